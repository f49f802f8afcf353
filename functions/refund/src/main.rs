//! `/v2/refunds`: makes refunds, shows them, and cancels them.

mod handler;

use api::banked::render_error;
use handler::RefundFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let refund = &RefundFunction::from_env().await?;
    api::serve(render_error, |request| refund.handle(request)).await
}
