//! `PrincipalService`: commands are frames like any other; principals and what waits are read from the folded state,
//! names from the bodies that hold them. Who may change what is the verifier's question.

use crate::api::proto::principal_service_server::PrincipalService;
use crate::api::proto::{
    self, BindPrincipalRequest, BindPrincipalResponse, DisablePrincipalRequest, DisablePrincipalResponse, Frame,
    GrantRoleRequest, GrantRoleResponse, LinkAccountRequest, LinkAccountResponse, ListPendingRequest,
    ListPendingResponse, ListPrincipalsRequest, ListPrincipalsResponse, PendingCommand, Placement, Principal,
    RevokeRoleRequest, RevokeRoleResponse, SetDelegationRequest, SetDelegationResponse,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::token::Place;
use crate::api::{append, convert};
use crate::ledger::{PrincipalName, ReadError, Reader};
use bytes::Bytes;
use deedbook_verify::governance::BrokenGlass;
use deedbook_verify::kind::Kind;
use deedbook_verify::principals;
use deedbook_verify::words::Ref;
use std::sync::Arc;
use tonic::{Request, Response, Status};

const PRINCIPALS: &str = "ListPrincipals";

/// The service.
pub struct Directory {
    shared: Arc<Shared>,
}

impl Directory {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Directory {
        Directory { shared }
    }

    async fn placed(&self, kind: Kind, frame: Option<Frame>) -> Result<Option<Placement>, Fault> {
        let placement = append::command(&self.shared, kind, frame).await?;
        Ok(Some(convert::placement(&placement)))
    }

    /// A page of what is now: principals are never taken out, so a list misses none that were there when it began.
    async fn page(&self, request: ListPrincipalsRequest) -> Result<ListPrincipalsResponse, Fault> {
        let count = convert::page_size(request.page_size)?;
        let reader = self.shared.ledger.reader();
        let size = reader.head().size;
        let first = match request.page_token.as_str() {
            "" => Ref([0; 16]),
            token => Ref(convert::array("page_token", &self.shared.tokens.open(PRINCIPALS, &[], token)?.cursor)?),
        };
        let authority = reader.authority();
        let all = Arc::clone(authority.principals());
        let read = move |reader: &Reader| -> Result<(Vec<Principal>, Option<Ref>), ReadError> {
            let (mut from, mut page) = (all.iter_from(first), Vec::new());
            for (who, found) in from.by_ref().take(count) {
                page.push(principal(who, found, reader.principal_name(found)?));
            }
            Ok((page, from.next().map(|(who, _)| who)))
        };
        let (principals, next) = self.shared.read(read).await?;
        let token = |next: Ref| self.shared.tokens.seal(PRINCIPALS, &[], &Place { size, cursor: next.0.to_vec() });
        let next_page_token = next.map(token).unwrap_or_default();
        let broken_glass = broken(authority.broken_glass());
        Ok(ListPrincipalsResponse { principals, next_page_token, needs_two: authority.needs_two(), broken_glass })
    }

    fn pending(&self) -> ListPendingResponse {
        let now = self.shared.clock.wall();
        let authority = self.shared.ledger.reader().authority();
        let waiting = authority.waiting().values().filter(|waiting| !waiting.is_over(now));
        let commands = waiting.map(|waiting| PendingCommand {
            request_id: Bytes::copy_from_slice(waiting.request.as_bytes()),
            index: waiting.index.0,
            asker: convert::reference(waiting.asker),
            expires_micros: waiting.expires.0,
            facts: Bytes::copy_from_slice(waiting.facts()),
            silent_until_micros: waiting.silence.map_or(0, |silence| silence.until.0),
            silent: waiting.silent().iter().copied().map(convert::reference).collect(),
            broken_index: waiting.silence.and_then(|silence| silence.broken_at).map(|index| index.0),
        });
        ListPendingResponse { commands: commands.collect() }
    }
}

fn principal(who: Ref, found: &principals::Principal, name: Option<PrincipalName>) -> Principal {
    let refs = |refs: &[Ref]| refs.iter().copied().map(convert::reference).collect();
    let optional = |who: Option<Ref>| who.map(convert::reference).unwrap_or_default();
    let (id, name) = name.map(|name| (name.id, name.name.unwrap_or_default())).unwrap_or_default();
    Principal {
        r#ref: convert::reference(who),
        kind: found.kind.name().to_owned(),
        id,
        name,
        responsible: optional(found.responsible),
        roles: found.roles.names().map(str::to_owned).collect(),
        teams: refs(&found.teams),
        accounts: refs(&found.accounts),
        stated_index: found.stated.0,
        bound_index: found.bound_at.0,
        bound_by: refs(found.bound_by.persons()),
        disabled_index: found.disabled_at.map(|index| index.0),
        delegate: optional(found.delegate),
        break_glass_index: found.glass_at.map(|index| index.0),
        bound_by_break_glass: matches!(found.bound_by, principals::Governors::BreakGlass(_)),
    }
}

fn broken(glass: BrokenGlass) -> Option<proto::BrokenGlass> {
    let (first, last) = (glass.first?, glass.last?);
    Some(proto::BrokenGlass { commands: glass.commands, first_index: first.0, last_index: last.0 })
}

#[tonic::async_trait]
impl PrincipalService for Directory {
    async fn bind_principal(
        &self,
        request: Request<BindPrincipalRequest>,
    ) -> Result<Response<BindPrincipalResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work =
            async { Ok(BindPrincipalResponse { placement: self.placed(Kind::PrincipalBound, request.frame).await? }) };
        self.shared.answer(&metadata, work).await
    }

    async fn link_account(
        &self,
        request: Request<LinkAccountRequest>,
    ) -> Result<Response<LinkAccountResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work =
            async { Ok(LinkAccountResponse { placement: self.placed(Kind::PrincipalLinked, request.frame).await? }) };
        self.shared.answer(&metadata, work).await
    }

    async fn disable_principal(
        &self,
        request: Request<DisablePrincipalRequest>,
    ) -> Result<Response<DisablePrincipalResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            Ok(DisablePrincipalResponse { placement: self.placed(Kind::PrincipalDisabled, request.frame).await? })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn grant_role(&self, request: Request<GrantRoleRequest>) -> Result<Response<GrantRoleResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async { Ok(GrantRoleResponse { placement: self.placed(Kind::RoleGranted, request.frame).await? }) };
        self.shared.answer(&metadata, work).await
    }

    async fn revoke_role(&self, request: Request<RevokeRoleRequest>) -> Result<Response<RevokeRoleResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async { Ok(RevokeRoleResponse { placement: self.placed(Kind::RoleRevoked, request.frame).await? }) };
        self.shared.answer(&metadata, work).await
    }

    async fn set_delegation(
        &self,
        request: Request<SetDelegationRequest>,
    ) -> Result<Response<SetDelegationResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work =
            async { Ok(SetDelegationResponse { placement: self.placed(Kind::DelegationSet, request.frame).await? }) };
        self.shared.answer(&metadata, work).await
    }

    async fn list_principals(
        &self,
        request: Request<ListPrincipalsRequest>,
    ) -> Result<Response<ListPrincipalsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.page(request)).await
    }

    async fn list_pending(
        &self,
        request: Request<ListPendingRequest>,
    ) -> Result<Response<ListPendingResponse>, Status> {
        self.shared.answer(request.metadata(), async { Ok(self.pending()) }).await
    }
}
