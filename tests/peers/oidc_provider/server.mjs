// A certified OpenID provider on loopback, to ride against. Any user name signs in, with any password.
//
//   node server.mjs            prints "ready http://127.0.0.1:<port>" and stays in the foreground
//
// Settings, all by environment:
//   PORT=0                     0 takes a free port
//   CLIENT_ID=rider            CLIENT_SECRET=… (32 characters or more)
//   REDIRECT_URIS="…"          the callbacks to accept, separated by spaces
//   ACCESS_TOKEN_TTL=3600      seconds
//   ID_TOKEN_ALG=RS256         RS256, PS256, ES256 or EdDSA
//   USERINFO_ALG=…             the same for the userinfo; without it, that is JSON
//   CLIENT_KEY_ALG=…           RS256, PS256, ES256 or EdDSA: the client signs (private_key_jwt) instead of sending the secret,
//   CLIENT_KEY_FILE=…          and its key, made here, is written there
//   PAR=required               takes pushed authorization requests alone
//   POST_LOGOUT_REDIRECT_URIS="…"  where people may be led who have signed out, separated by spaces
//   BACKCHANNEL_LOGOUT_URI=…   where the client is told of sessions that are over
//   REFRESH_TOKENS=always      or offline_access: only for that scope, which then also needs prompt=consent
//
// Refresh tokens are rotated; a used one that comes back revokes the grant.
// Beside the provider's own endpoints there are, for the test that started it:
//   GET /__counts              how often each thing happened, as JSON
//   GET /__secrets             every value handed out or received that must not be seen elsewhere
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const setting = (name, fallback) => process.env[name] || fallback;
const clientSecret = setting('CLIENT_SECRET', 'a-client-secret-of-32-characters-or-more');
const algorithm = setting('ID_TOKEN_ALG', 'RS256');
const userinfoAlgorithm = setting('USERINFO_ALG', '');
const clientKeyAlgorithm = setting('CLIENT_KEY_ALG', '');
const landings = setting('POST_LOGOUT_REDIRECT_URIS', '');
const backchannel = setting('BACKCHANNEL_LOGOUT_URI', '');
const refreshAlways = setting('REFRESH_TOKENS', 'always') === 'always';

const signingKey = (kind, options, alg) => {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: `${kind}-1`, use: 'sig', ...(alg && { alg }) };
};

// What the client is known by: its secret, or a key of its own.
function clientAuth() {
  if (!clientKeyAlgorithm) return { client_secret: clientSecret };
  const kind = { ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] }[clientKeyAlgorithm] ?? ['rsa', { modulusLength: 2048 }];
  const { privateKey, publicKey } = generateKeyPairSync(...kind);
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(setting('CLIENT_KEY_FILE'), pem, { mode: 0o600 });
  remember('client key', pem.split('\n')[1]);
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: clientKeyAlgorithm,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'client-1', use: 'sig' }] },
  };
}

function configuration() {
  return {
    clients: [{
      client_id: setting('CLIENT_ID', 'rider'),
      ...clientAuth(),
      redirect_uris: setting('REDIRECT_URIS', 'http://localhost:8000/login/op/authorized').split(/\s+/),
      ...(landings && { post_logout_redirect_uris: landings.split(/\s+/) }),
      ...(backchannel && { backchannel_logout_uri: backchannel, backchannel_logout_session_required: true }),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: algorithm,
      ...(userinfoAlgorithm && { userinfo_signed_response_alg: userinfoAlgorithm }),
    }],
    jwks: {
      keys: [
        signingKey('rsa', { modulusLength: 2048 }),
        signingKey('ec', { namedCurve: 'P-256' }, 'ES256'),
        signingKey('ed25519', {}),
      ],
    },
    enabledJWA: {
      ...(clientKeyAlgorithm && { clientAuthSigningAlgValues: [clientKeyAlgorithm] }),
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      userinfoSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    },
    // Its own dispatcher goes to no loopback address, where the client is here.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    cookies: { keys: ['for-rides-on-loopback-only'] },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    findAccount: async (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: `${id} of Loopback`, email: `${id}@example.test`, email_verified: true }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: () => true,
    ...(refreshAlways && { issueRefreshToken: async () => true }),
    ttl: {
      AccessToken: Number(setting('ACCESS_TOKEN_TTL', '3600')),
      AuthorizationCode: 60, IdToken: 3600, RefreshToken: 86400, Interaction: 3600, Session: 86400, Grant: 86400,
    },
    features: {
      devInteractions: { enabled: true }, revocation: { enabled: true }, jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: setting('PAR', '') === 'required' },
    },
  };
}

const counts = {
  pushed: 0, authorized: 0, denied: 0, 'by form': 0, code: 0, refresh: 0, rotated: 0, refused: 0, signed: 0, revoked: 0, userinfo: 0, 'signed userinfo': 0,
  'signed out': 0, told: 0, 'not told': 0,
};
const secrets = new Map([[clientSecret, 'client secret']]);
const remember = (kind, value) => { if (value) secrets.set(value, kind); };

// What passes by, seen from outside the provider's own logic.
async function watch(context, next) {
  await next();
  const { route, params, body } = context.oidc ?? {};
  if (body?.client_assertion) {
    remember('assertion', body.client_assertion);
    counts.signed += 1;
  }
  if (route === 'pushed_authorization_request') {
    remember('state', params?.state);
    remember('nonce', params?.nonce);
    if (context.status === 201) counts.pushed += 1;
  } else if (route === 'authorization' || route === 'resume') {
    remember('state', params?.state);
    remember('nonce', params?.nonce);
    const location = context.response.get('location');
    if (location) remember('code', new URL(location, 'http://localhost').searchParams.get('code'));
    const form = /name="(code|error)" value="([^"]+)"/.exec(context.body);
    if (form) counts['by form'] += 1;
    if (form?.[1] === 'code') remember('code', form[2]);
  } else if (route === 'token') {
    remember('code', params?.code);
    remember('verifier', params?.code_verifier);
    remember('refresh token', params?.refresh_token);
    remember('access token', context.body?.access_token);
    remember('refresh token', context.body?.refresh_token);
    remember('ID token', context.body?.id_token);
    if (context.status !== 200) counts.refused += 1;
    else if (params.grant_type === 'authorization_code') counts.code += 1;
    else {
      counts.refresh += 1;
      if (context.body.refresh_token && context.body.refresh_token !== params.refresh_token) counts.rotated += 1;
    }
  } else if (route === 'userinfo' && context.status === 200) {
    counts.userinfo += 1;
    if (context.response.is('application/jwt')) counts['signed userinfo'] += 1;
  } else if (route === 'end_session') {
    remember('state', params?.state);
    remember('ID token', params?.id_token_hint);
  } else if (route === 'revocation' && context.status === 200) {
    counts.revoked += 1;
  }
}

function listen(provider) {
  provider.use(watch);
  provider.on('authorization.success', () => { counts.authorized += 1; });
  provider.on('authorization.error', (_context, error) => { if (error.error === 'access_denied') counts.denied += 1; });
  provider.on('end_session.success', () => { counts['signed out'] += 1; });
  provider.on('backchannel.success', () => { counts.told += 1; });
  provider.on('backchannel.error', (_context, error) => { counts['not told'] += 1; console.log('not told', error.message); });
  provider.on('grant.error', (_context, error) => console.log('refused', error.error, error.error_detail ?? ''));
  provider.on('server_error', (_context, error) => console.log('failed', error.stack));
  return provider.callback();
}

let answer;
const server = createServer((request, response) => {
  const own = {
    '/__counts': () => counts, '/__secrets': () => Object.fromEntries(secrets),
    // What the APIs of the documented examples answer.
    '/user': () => ({ login: 'ada' }), '/player': () => ({ player: { id: 64, nick: 'Ada' } }),
  }[request.url];
  if (!own) return answer(request, response);
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify(own()));
});
server.listen(Number(setting('PORT', '0')), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;   // known only now: the issuer names the port
  answer = listen(new Provider(issuer, configuration()));
  console.log(`ready ${issuer}`);
});
