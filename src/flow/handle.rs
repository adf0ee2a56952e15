//! The public name of a flow.

use crate::secret::{encode_base64url, sha256};

/// Returns the public name of the flow with this state: 16 characters that do not reveal the state. The flow's cookie and
/// the record of its use are named by it.
pub(crate) fn state_handle(state: &str) -> String {
    encode_base64url(&sha256(state)[..12])
}
