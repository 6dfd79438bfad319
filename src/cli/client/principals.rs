//! The calls about principals and what waits for a second administrator, one each, as the connection makes them.

use super::{Client, ClientError, PAGE_SIZE, empty, proto};
use deedbook_verify::kind::Kind;

/// What becomes of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is bound.
    Bind,
    /// An account is linked to it.
    Link,
    /// It is disabled.
    Disable,
    /// It gets roles.
    Grant,
    /// It loses roles.
    Revoke,
    /// Somebody decides in its place.
    Delegate,
}

impl Change {
    /// The kind of its command.
    pub fn kind(self) -> Kind {
        match self {
            Change::Bind => Kind::PrincipalBound,
            Change::Link => Kind::PrincipalLinked,
            Change::Disable => Kind::PrincipalDisabled,
            Change::Grant => Kind::RoleGranted,
            Change::Revoke => Kind::RoleRevoked,
            Change::Delegate => Kind::DelegationSet,
        }
    }
}

impl Client {
    /// Sends a command about principals to its method.
    pub async fn principal(&mut self, change: Change, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let (client, frame) = (&mut self.clients.principal, Some(frame));
        let placement = match change {
            Change::Bind => client.bind_principal(proto::BindPrincipalRequest { frame }).await?.into_inner().placement,
            Change::Link => client.link_account(proto::LinkAccountRequest { frame }).await?.into_inner().placement,
            Change::Disable => {
                client.disable_principal(proto::DisablePrincipalRequest { frame }).await?.into_inner().placement
            }
            Change::Grant => client.grant_role(proto::GrantRoleRequest { frame }).await?.into_inner().placement,
            Change::Revoke => client.revoke_role(proto::RevokeRoleRequest { frame }).await?.into_inner().placement,
            Change::Delegate => {
                client.set_delegation(proto::SetDelegationRequest { frame }).await?.into_inner().placement
            }
        };
        placement.ok_or_else(|| empty("the command's place"))
    }

    /// Appends one frame.
    pub async fn append(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let answer = self.clients.ledger.append(proto::AppendRequest { frame: Some(frame) }).await?.into_inner();
        answer.placement.ok_or_else(|| empty("the frame's place"))
    }

    /// Retention and holds in force.
    pub async fn keeping(&mut self) -> Result<proto::ListKeepingResponse, ClientError> {
        Ok(self.clients.erasure.list_keeping(proto::ListKeepingRequest {}).await?.into_inner())
    }

    /// Every principal, and whether nobody governs alone.
    pub async fn principals(&mut self) -> Result<(Vec<proto::Principal>, bool), ClientError> {
        let (mut principals, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ListPrincipalsRequest { page_size: PAGE_SIZE, page_token };
            let answer = self.clients.principal.list_principals(request).await?.into_inner();
            principals.extend(answer.principals);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok((principals, answer.needs_two));
            }
        }
    }

    /// Whether nobody governs alone, and what was governed by break-glass; the principals are beside the point.
    pub async fn governance(&mut self) -> Result<proto::ListPrincipalsResponse, ClientError> {
        let request = proto::ListPrincipalsRequest { page_size: 1, page_token: String::new() };
        Ok(self.clients.principal.list_principals(request).await?.into_inner())
    }

    /// What waits for a second administrator.
    pub async fn pending(&mut self) -> Result<Vec<proto::PendingCommand>, ClientError> {
        Ok(self.clients.principal.list_pending(proto::ListPendingRequest {}).await?.into_inner().commands)
    }
}
