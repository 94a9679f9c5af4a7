//! Plans that look at the rows of a scan one by one.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

type Plan<'a> = &'a Arc<dyn ExecutionPlan>;

/// Operators that make the rows of a partition of those of one input partition, and keep their order.
const ROW_WISE: [&str; 4] = [
    "CoalesceBatchesExec",
    "CooperativeExec",
    "FilterExec",
    "ProjectionExec",
];

/// The operators of a plan, the topmost first, and the scan that they read. `None` where one of them does more, or
/// wants only the first rows.
pub(crate) fn row_wise(mut plan: Plan<'_>) -> Option<(Vec<Plan<'_>>, Plan<'_>)> {
    let mut operators = Vec::new();
    while plan.fetch().is_none() {
        let Some(input) = plan.children().first().copied() else {
            return Some((operators, plan));
        };
        if !ROW_WISE.contains(&plan.name()) {
            return None;
        }
        operators.push(plan);
        plan = input;
    }
    None
}
