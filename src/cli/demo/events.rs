//! Events that the demo makes itself: what an agent's gateway would report, and a small OpenLineage story for
//! machines without the fixtures. Plain text, as a stranger's program would write it.

use crate::record::line::time;
use deedbook_verify::words::Micros;
use serde_json::{Value, json};

/// Event lines of an agent's last minutes: it reads invoices, asks a model, writes a report, fails once.
pub fn actions(now: Micros) -> String {
    let table = |role: &str, name: &str| json!({"role": role, "namespace": "food_delivery", "name": name});
    let line = |kind: &str, order: u32, second: u32, facts: Value, body: Value| {
        let ago_s = (5 - u64::from(order)) * 60 - u64::from(second);
        json!({
            "kind": kind,
            "stream": format!("action/invoice-{order}"),
            "occurred": time::show(Micros(now.0.saturating_sub(ago_s * 1_000_000))),
            "facts": facts,
            "body": body,
        })
    };
    let facts = |action: &str, outcome: &str, more: (&str, Value)| {
        json!({
            "actor": {"kind": "agent", "id": "invoice-bot"},
            "on_behalf_of": [{"namespace": "https://idp.example", "id": "u-1042"}],
            "responsible": {"namespace": "https://idp.example", "id": "u-7"},
            "action_type": action, "outcome": outcome, "environment": "prod", more.0: more.1,
        })
    };
    let mut lines = Vec::new();
    for order in 1..=4 {
        let read = ("datasets", json!([table("input", "public.orders"), table("input", "public.customers")]));
        let query = json!({"query": format!("select * from orders where id = {order}"), "rows": 3 * order});
        lines.push(line("data.accessed", order, 1, facts("dataset.read", "succeeded", read), query));
        let asked = ("models", json!([{"role": "used", "namespace": "models", "name": "text-large-2"}]));
        let prompt = json!({"prompt": format!("Summarise invoice {order} for Zoë"), "tokens": 812});
        lines.push(line("model.invoked", order, 2, facts("model.invoke", "succeeded", asked), prompt));
        let written = ("datasets", json!([table("output", "public.invoice_reports")]));
        let outcome = if order == 3 { "failed" } else { "succeeded" };
        let call = json!({"tool": "write_report", "arguments": {"invoice": order}});
        lines.push(line("execution.reported", order, 3, facts("report.write", outcome, written), call));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// OpenLineage run events of three jobs, START and COMPLETE each.
pub fn openlineage() -> String {
    let jobs = [
        ("load_orders", "raw.orders", "public.orders"),
        ("clean", "public.orders", "public.clean_orders"),
        ("report", "public.clean_orders", "public.daily_report"),
    ];
    let mut lines = String::new();
    for (number, (job, input, output)) in jobs.into_iter().enumerate() {
        for (event, minute) in [("START", 0), ("COMPLETE", 4)] {
            let line = json!({
                "eventType": event,
                "eventTime": format!("2026-01-05T03:{:02}:00.000Z", number * 10 + minute),
                "run": {"runId": format!("4d3b8069-69b6-4708-ade0-3275112c9f{number:02}")},
                "job": {"namespace": "food_delivery", "name": job},
                "inputs": [{"namespace": "food_delivery", "name": input}],
                "outputs": [{"namespace": "food_delivery", "name": output}],
                "producer": "https://deedbook.example/demo",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            });
            lines.push_str(&format!("{line}\n"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::line::{self, LineContext};
    use crate::record::openlineage;
    use deedbook_verify::hash::RefKey;
    use deedbook_verify::words::LedgerId;

    #[test]
    fn the_demo_tells_no_malformed_story() {
        let refs = RefKey([1; 32]);
        let context = LineContext { ledger: LedgerId([2; 32]), refs: &refs, id_key: &[3; 32] };
        let sound = |text: &str| line::parse(text.as_bytes(), &context).is_ok();
        let now = Micros(1_767_582_000_000_000);
        assert_eq!(actions(now).lines().filter(|text| sound(text)).count(), 12);
        let sound = |text: &str| openlineage::parse(text.as_bytes(), &refs, &[3; 32]).is_ok();
        assert_eq!(super::openlineage().lines().filter(|text| sound(text)).count(), 6);
    }
}
