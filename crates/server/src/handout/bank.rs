//! What the printed banks ask, asked of a session of the bank.

use proto::handout::bank::{Answer, Request};
use proto::refusal::Refusal;

use crate::services::atm::AtmSession;

/// Asks it.
///
/// # Errors
/// The bank's refusal.
pub fn ask(session: &mut AtmSession, request: Request) -> Result<Answer, Refusal> {
    match request {
        Request::Verify(card, password) => session.verify(&card, &password).map(Answer::Welcome),
        Request::LogIn(customer, password) => {
            session.enter(&customer.0, &password).map(Answer::Welcome)
        }
        Request::LogInGlued(glued) => session.enter_glued(&glued).map(Answer::Welcome),
        Request::Session(request) => session.act(request).map(Answer::Atm),
        Request::Card(card, request) => {
            session.open(card);
            session.act(request).map(Answer::Atm)
        }
    }
}
