//! nginx and Apache in front of an app, with their default limits.

use std::path::Path;
use std::process::Command;

use url::Url;

use super::process::{Process, free_port};

/// A web server that passes requests on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WebServer {
    Nginx,
    Apache,
}

/// The blocks for both servers.
const DOCUMENTED: &str = include_str!("../../docs/guide/proxies.md");

impl WebServer {
    /// Starts it in `folder`, with `apps`: each a path, for example `/app` or an empty one, and the address of the app, which
    /// gets requests without that path. Returns the URL at which browsers see the server.
    pub(crate) fn start(self, folder: &Path, apps: &[(&str, &str)]) -> (Url, Process) {
        let port = free_port();
        let folder = folder.join(format!("{self:?}"));
        std::fs::create_dir_all(&folder).unwrap();
        let (home, config) = (folder.display(), folder.join("config"));
        let blocks: String = apps.iter().map(|(path, app)| self.block(path, app)).collect();
        let text = match self {
            WebServer::Nginx => format!(
                "daemon off; worker_processes 1; pid {home}/pid; error_log stderr; events {{}}\n\
                 http {{ access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;\n\
                 fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;\n\
                 server {{ listen 127.0.0.1:{port}; {blocks} }} }}\n"
            ),
            WebServer::Apache => format!(
                "ServerRoot {home}\nServerName localhost\nPidFile {home}/pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n\
                 LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
                 LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n\
                 LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\n\
                 LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n\
                 LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n\
                 Mutex file:{home} default\nListen 127.0.0.1:{port}\n{blocks}\n"
            ),
        };
        std::fs::write(&config, text).unwrap();
        let mut command = match self {
            WebServer::Nginx => Command::new("/usr/sbin/nginx"),
            WebServer::Apache => Command::new("/usr/sbin/apache2"),
        };
        let command = match self {
            WebServer::Nginx => command.arg("-c").arg(&config).arg("-p").arg(&folder),
            WebServer::Apache => command.arg("-f").arg(&config).arg("-DFOREGROUND"),
        };
        let mut process = Process::start(command, &folder.join("log"));
        process.wait_for(|_| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        (Url::parse(&format!("http://localhost:{port}")).unwrap(), process)
    }

    /// The documented block, for `path` and the app at `app`.
    fn block(self, path: &str, app: &str) -> String {
        if path.is_empty() {
            return match self {
                WebServer::Nginx => {
                    format!("location / {{ proxy_pass {app}; proxy_set_header Host $http_host; }}\n")
                }
                WebServer::Apache => format!("ProxyPass / {app}/\nProxyPreserveHost On\n"),
            };
        }
        let fence = format!("```{}\n", format!("{self:?}").to_lowercase());
        let (_, block) = DOCUMENTED.split_once(&fence).expect("a documented block");
        let (block, _) = block.split_once("```").expect("the end of the block");
        block.replace("http://127.0.0.1:8000", app).replace("/app", path)
    }
}
