//! A package as a row.

use crate::demo::batch::Batch;
use crate::store::bulk::Table;
use crate::store::packages::PackageRow;

/// Writes it.
pub(super) fn package(batch: &mut Batch, package: &PackageRow) {
    let rows = batch.row(Table::Package);
    rows.id(package.id)
        .text(&package.tracking_no)
        .maybe_text(package.carrier.as_deref())
        .maybe_text(package.guide_number.as_deref())
        .maybe_id(package.customer_id)
        .maybe_id(package.announcement_id)
        .maybe_text(package.size_class.as_deref());
    for number in [package.weight_g, package.length_mm, package.width_mm, package.height_mm] {
        rows.maybe(number, |rows, number| rows.integer(number));
    }
    rows.maybe_text(package.condition.as_deref())
        .text(&package.status)
        .maybe_id(package.slot_id)
        .id(package.tariff_id);
    for at in [
        package.announced_at,
        package.received_at,
        package.stored_at,
        package.notified_at,
        package.stopped_at,
        package.ended_at,
        package.free_until,
        package.hold_until,
        package.abandon_at,
    ] {
        rows.maybe_at(at);
    }
    rows.maybe(package.total_minor, |rows, amount| rows.bigint(amount))
        .bigint(package.paid_minor)
        .bigint(package.waived_minor)
        .integer(package.event_count)
        .maybe(package.head_hash.as_deref(), |rows, hash| rows.binary(hash))
        .bigint(package.version)
        .at(package.created_at)
        .at(package.updated_at);
}
