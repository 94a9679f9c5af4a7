//! A memory pool in which no part of a sort starves another.
//!
//! DataFusion's `FairSpillPool` shares its bytes among the operators that can spill. The merge that
//! follows a sort cannot, so it is outside of that: it takes all it can get to merge more runs at
//! once, and the sorts of the other partitions, or the merge over all of them, then find nothing
//! left for a single batch and the query fails. Here merges have shares too, and whatever else a
//! query needs has a part that neither can take.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

use crate::cancel::lock;

/// How DataFusion names a sort and the merge of its runs; the partition follows in brackets.
const SORT: &str = "ExternalSorter[";
const MERGE: &str = "ExternalSorterMerge[";
const ORDERING: &str = "SortPreservingMergeExec[";

/// How many times what its sort has held an in-memory merge may take: the rows are half of that, and
/// keys in a form that compares fast can be several times as large as short columns are.
const KEYS: usize = 4;

/// One part in so many is kept for operators that neither spill nor merge a sort's runs.
const OTHERS: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Gives its memory back by spilling.
    Spiller,
    /// Merges runs: the more memory, the more at once, and two will do.
    Merge,
    /// Merges sorted streams whose batches are in memory already: refusing frees nothing.
    Ordering,
    /// Needs what it asks for.
    Other,
}

fn kind(consumer: &MemoryConsumer) -> Kind {
    if consumer.can_spill() {
        Kind::Spiller
    } else if consumer.name().starts_with(MERGE) {
        Kind::Merge
    } else if consumer.name().starts_with(ORDERING) {
        Kind::Ordering
    } else {
        Kind::Other
    }
}

#[derive(Debug, Default)]
struct Consumer {
    used: usize,
    /// Of a sort: the merge of its runs.
    merge: Option<usize>,
    /// Of a merge: what its sort has held. The rows of an in-memory merge are those of the sort,
    /// which gives back what the merge takes; refusing it would free nothing.
    inherited: usize,
}

#[derive(Debug, Default)]
struct Usage {
    consumers: HashMap<usize, Consumer>,
    /// The sort that was registered last for each partition, until its merge is.
    unpaired: HashMap<String, usize>,
    /// Sorts that the query's plan has and that have not begun.
    expected: usize,
    spillers: usize,
    merges: usize,
    by_spillers: usize,
    by_merges: usize,
    by_others: usize,
}

impl Usage {
    fn total(&self) -> usize {
        self.by_spillers + self.by_merges + self.by_others
    }

    fn of(&self, consumer: &MemoryConsumer) -> usize {
        self.consumers.get(&consumer.id()).map_or(0, |c| c.used)
    }

    fn sum_of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Spiller => &mut self.by_spillers,
            Kind::Merge => &mut self.by_merges,
            Kind::Ordering | Kind::Other => &mut self.by_others,
        }
    }

    fn register(&mut self, consumer: &MemoryConsumer) {
        let id = consumer.id();
        self.consumers.insert(id, Consumer::default());
        match kind(consumer) {
            Kind::Spiller => {
                self.spillers += 1;
                if let Some(partition) = consumer.name().strip_prefix(SORT) {
                    self.unpaired.insert(partition.to_owned(), id);
                }
            }
            Kind::Merge => {
                self.merges += 1;
                self.expected = self.expected.saturating_sub(1);
                let sort = consumer
                    .name()
                    .strip_prefix(MERGE)
                    .and_then(|partition| self.unpaired.remove(partition))
                    .and_then(|sort| self.consumers.get_mut(&sort));
                if let Some(sort) = sort {
                    sort.merge = Some(id);
                }
            }
            Kind::Ordering | Kind::Other => {}
        }
    }

    fn unregister(&mut self, consumer: &MemoryConsumer) {
        match kind(consumer) {
            Kind::Spiller => self.spillers = self.spillers.saturating_sub(1),
            Kind::Merge => self.merges = self.merges.saturating_sub(1),
            Kind::Ordering | Kind::Other => {}
        }
        let gone = self.consumers.remove(&consumer.id());
        self.bequeath(gone.and_then(|gone| gone.merge), 0);
    }

    /// Tells the merge of a sort what the sort holds; nothing once the sort is gone.
    fn bequeath(&mut self, merge: Option<usize>, held: usize) {
        if let Some(merge) = merge.and_then(|merge| self.consumers.get_mut(&merge)) {
            merge.inherited = match held {
                0 => 0,
                held => merge.inherited.max(held),
            };
        }
    }

    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        let entry = self.consumers.entry(consumer.id()).or_default();
        entry.used += bytes;
        let (merge, used) = (entry.merge, entry.used);
        self.bequeath(merge, used);
        *self.sum_of(kind(consumer)) += bytes;
    }

    fn subtract(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        if let Some(entry) = self.consumers.get_mut(&consumer.id()) {
            entry.used = entry.used.saturating_sub(bytes);
        }
        let sum = self.sum_of(kind(consumer));
        *sum = sum.saturating_sub(bytes);
    }

    /// How many bytes `consumer` may have in all.
    fn share(&self, consumer: &MemoryConsumer, limit: usize) -> usize {
        let sorting = limit.saturating_sub(self.by_others.max(limit / OTHERS));
        let spillers = (self.spillers + self.expected).max(1);
        let merges = (self.merges + self.expected).max(1);
        // One sort and its merge take turns, so each may have what the other leaves.
        let alone = merges == 1 && spillers == 1;
        match kind(consumer) {
            Kind::Ordering => usize::MAX,
            Kind::Other => self.of(consumer) + limit.saturating_sub(self.total()),
            Kind::Spiller if self.merges + self.expected == 0 => sorting / spillers,
            // A sort reserves twice its rows. When it merges them in memory it gives one half back
            // as it goes, and the merge takes that and up to as much again for its sort keys.
            Kind::Spiller if alone => sorting / 5 * 3,
            Kind::Spiller => sorting / 5 * 2 / spillers,
            Kind::Merge => {
                let share = match (alone, self.spillers + self.expected) {
                    (true, _) => sorting.saturating_sub(self.by_spillers),
                    (false, 0) => sorting / merges,
                    (false, _) => sorting / 5 * 3 / merges,
                };
                let entry = self.consumers.get(&consumer.id());
                share.max(entry.map_or(0, |entry| entry.inherited * KEYS))
            }
        }
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct SortingPool {
    limit: usize,
    usage: Mutex<Usage>,
}

impl SortingPool {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            usage: Mutex::default(),
        }
    }

    /// Announces the sorts of a plan. Without it the first to begin would fill more than its share.
    pub(crate) fn expect_sorts(&self, sorts: usize) {
        lock(&self.usage).expected += sorts;
    }
}

impl MemoryPool for SortingPool {
    fn name(&self) -> &str {
        "sorting"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        lock(&self.usage).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        lock(&self.usage).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        lock(&self.usage).add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        lock(&self.usage).subtract(reservation.consumer(), shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let mut usage = lock(&self.usage);
        let used = usage.of(consumer);
        let mut share = usage.share(consumer, self.limit);
        if used == 0 && kind(consumer) == Kind::Spiller {
            // Who holds nothing has nothing to spill: a batch that is larger than its share, as
            // batches of string views are counted, has to fit if there is room for it at all.
            share = share.max(self.limit.saturating_sub(usage.total()));
        }
        if used.saturating_add(additional) > share {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "Failed to allocate additional {} for {} with {} already allocated - {} is its share of {} ({} used)",
                human_readable_size(additional),
                consumer.name(),
                human_readable_size(used),
                human_readable_size(share),
                human_readable_size(self.limit),
                human_readable_size(usage.total()),
            )));
        }
        usage.add(consumer, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        lock(&self.usage).total()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for SortingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = human_readable_size(self.limit);
        write!(f, "{}(pool_size: {limit})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn pool(limit: usize) -> Arc<dyn MemoryPool> {
        Arc::new(SortingPool::new(limit))
    }

    fn sort(
        pool: &Arc<dyn MemoryPool>,
        partition: usize,
    ) -> (MemoryReservation, MemoryReservation) {
        let sorter = MemoryConsumer::new(format!("ExternalSorter[{partition}]"));
        let merge = MemoryConsumer::new(format!("ExternalSorterMerge[{partition}]"));
        (
            sorter.with_can_spill(true).register(pool),
            merge.register(pool),
        )
    }

    fn take_all(reservation: &MemoryReservation) -> usize {
        while reservation.try_grow(1).is_ok() {}
        reservation.size()
    }

    #[test]
    fn sorts_that_have_not_begun_keep_their_shares() {
        let pool = Arc::new(SortingPool::new(8000));
        pool.expect_sorts(2);
        let pool: Arc<dyn MemoryPool> = pool;
        let (first_sorter, first_merge) = sort(&pool, 0);
        assert_eq!(take_all(&first_sorter), 1400);
        drop(first_sorter);
        assert_eq!(take_all(&first_merge), 2100);
    }

    #[test]
    fn a_merge_may_hold_the_rows_its_sort_held() {
        let pool = pool(8000);
        let (sorter, merge) = sort(&pool, 0);
        assert_eq!(take_all(&sorter), 4200);
        let _later: Vec<_> = (1..8).map(|partition| sort(&pool, partition)).collect();
        sorter.shrink(4000);
        assert_eq!(take_all(&merge), 4 * 4200);
        drop(sorter);
        merge.free();
        assert_eq!(take_all(&merge), 525);
    }

    #[test]
    fn a_greedy_merge_leaves_the_other_partitions_their_shares() {
        let pool = pool(8000);
        let (sorter, greedy) = sort(&pool, 0);
        let (late_sorter, late_merge) = sort(&pool, 1);
        drop(sorter);
        assert_eq!(take_all(&greedy), 2100);
        assert_eq!(take_all(&late_sorter), 2800);
        late_merge.try_grow(2100).unwrap();
        let ordering = MemoryConsumer::new("SortPreservingMergeExec[0]").register(&pool);
        ordering.try_grow(5000).unwrap();
        drop(ordering);
        let other = MemoryConsumer::new("HashJoinInput").register(&pool);
        assert!(take_all(&other) >= 1000);
    }

    #[test]
    fn one_sort_and_its_merge_use_what_the_other_leaves() {
        let pool = pool(8000);
        let (sorter, merge) = sort(&pool, 0);
        assert_eq!(take_all(&sorter), 4200);
        merge.try_grow(2800).unwrap();
        drop(sorter);
        assert_eq!(take_all(&merge), 7000);
    }

    #[test]
    fn a_first_batch_larger_than_a_share_fits_where_there_is_room() {
        let pool = pool(8000);
        let (first, _first_merge) = sort(&pool, 0);
        let (second, _second_merge) = sort(&pool, 1);
        first.try_grow(5000).unwrap();
        assert!(first.try_grow(1).is_err());
        assert!(second.try_grow(5000).is_err());
        second.try_grow(3000).unwrap();
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let pool = pool(8000);
        let (sorter, merge) = sort(&pool, 0);
        let half = sorter.new_empty();
        half.try_grow(4000).unwrap();
        assert!(sorter.try_grow(4000).is_err());
        drop(half);
        sorter.try_grow(4000).unwrap();
        drop((sorter, merge));
        assert_eq!(pool.reserved(), 0);
    }
}
