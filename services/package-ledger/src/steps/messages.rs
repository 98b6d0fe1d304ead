//! Messages to the customer of a package, written in the transaction of what they tell of.

use pg_pool::{Connection, QueryError};
use problem::{Problem, registry};
use serde_json::json;
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::price::{balance_minor, price};
use super::scene::Scene;
use crate::cache::tariffs;
use crate::domain::fee::Fee;
use crate::domain::money::Money;
use crate::messages::Channel;
use crate::messages::content::{Content, Cost};
use crate::messages::templates::Template;
use crate::store::notifications::{self, NotificationRow, Reach};

/// Writes a message of this template to the customer of a package, on every channel that the customer wants; none where nobody is
/// known to tell.
///
/// # Errors
/// Of the database.
pub(crate) async fn queue(
    conn: &mut Connection,
    scene: &Scene,
    template: &'static str,
) -> Result<(), ServiceError> {
    let Some(customer_id) = scene.package.customer_id else { return Ok(()) };
    let reach = notifications::reach(conn, customer_id).await?;
    write(conn, scene, &reach, template, Channel::ALL).await.map(|_| ())
}

/// Writes a message on this channel alone.
///
/// # Errors
/// `validation_failed` where the customer cannot be reached so, or does not want to be, and of the database.
pub(crate) async fn queue_on(
    conn: &mut Connection,
    scene: &Scene,
    template: &'static str,
    channel: &str,
) -> Result<(), ServiceError> {
    let unreachable =
        || invalid("/channel", "not_reachable", "the customer of this package is not reached by it");
    let channel = Channel::parse(channel).ok_or_else(unreachable)?;
    let customer_id = scene.package.customer_id.ok_or_else(unreachable)?;
    let reach = notifications::reach(conn, customer_id).await?;
    match write(conn, scene, &reach, template, &[channel]).await? {
        0 => Err(unreachable()),
        _ => Ok(()),
    }
}

/// Text messages that reached the customer of a package since its reception, and calls that were made.
///
/// # Errors
/// Of the database.
pub(crate) async fn contacts(conn: &mut Connection, package_id: Uuid) -> Result<(u32, u32), ServiceError> {
    let (sms, calls) = notifications::contacts(conn, package_id).await?;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Ok((count(sms), count(calls)))
}

/// Notes that somebody at the desk has called the customer of a package.
///
/// # Errors
/// `validation_failed` where nobody is known to call, and of the database.
pub(crate) async fn log_call(
    conn: &mut Connection,
    scene: &Scene,
    note: Option<&str>,
) -> Result<(), ServiceError> {
    let nobody = || invalid("/channel", "not_reachable", "nobody is known to call for this package");
    let customer_id = scene.package.customer_id.ok_or_else(nobody)?;
    let reach = notifications::reach(conn, customer_id).await?;
    let row = NotificationRow {
        data: json!({"note": note}),
        status: "delivered".to_owned(),
        attempts: 1,
        next_attempt_at: None,
        sent_at: Some(scene.now),
        delivered_at: Some(scene.now),
        ..row(scene, &reach, Channel::Call, "call", reach.phone.clone())
    };
    Ok(notifications::add(conn, &[row]).await?)
}

/// Writes it on those of these channels by which the customer wants to be reached and can be; returns on how many.
async fn write(
    conn: &mut Connection,
    scene: &Scene,
    reach: &Reach,
    template: &'static str,
    channels: &[Channel],
) -> Result<usize, ServiceError> {
    if Template::parse(template).is_none() {
        let cause = format!("there is no template {template:?}");
        return Err(Problem::new(&registry::INTERNAL).cause(cause).into());
    }
    let content = serde_json::to_value(content(conn, scene, reach).await?)
        .map_err(|error| QueryError::SerializationError(error.into()))?;
    let reached = channels.iter().filter_map(|channel| Some((*channel, recipient(reach, *channel)?)));
    let rows: Vec<NotificationRow> = reached
        .map(|(channel, recipient)| NotificationRow {
            data: content.clone(),
            ..row(scene, reach, channel, template, recipient)
        })
        .collect();
    notifications::add(conn, &rows).await?;
    Ok(rows.len())
}

/// Where a message goes on a channel that the customer wants.
fn recipient(reach: &Reach, channel: Channel) -> Option<String> {
    let phone = || reach.phone.clone();
    match channel {
        Channel::Sms => reach.by_sms.then(phone),
        Channel::Whatsapp => reach.by_whatsapp.then(phone),
        Channel::Email => reach.email.clone().filter(|_| reach.by_email),
        // Devices are known to whoever carries it, by who signs in on them.
        Channel::Push => reach.user_id.filter(|_| reach.by_push).map(|id| id.to_string()),
        Channel::Call => None,
    }
}

fn row(scene: &Scene, reach: &Reach, channel: Channel, template: &str, recipient: String) -> NotificationRow {
    NotificationRow {
        id: scene.state.context.new_id(),
        package_id: Some(scene.package.id),
        customer_id: scene.package.customer_id,
        channel: channel.as_str().to_owned(),
        template: template.to_owned(),
        language: reach.language.clone(),
        recipient,
        data: json!({}),
        status: "pending".to_owned(),
        attempts: 0,
        next_attempt_at: Some(scene.now),
        provider_id: None,
        cost_minor: None,
        error_code: None,
        created_by: scene.actor.id,
        created_at: scene.now,
        sent_at: None,
        delivered_at: None,
    }
}

/// What can be said of a package at this instant, by the one function that prices everything.
async fn content(conn: &mut Connection, scene: &Scene, reach: &Reach) -> Result<Content, ServiceError> {
    let package = &scene.package;
    let known = scene.state.tariffs.with(conn, [package.tariff_id]).await?;
    let tariff = tariffs::one(&known, package.tariff_id)?;
    let due = |fee: &Fee| Money::new(balance_minor(package, fee).max(0), tariff.currency);
    let fee = match package.received_at {
        None => None,
        Some(_) => {
            let fee = price(package, tariff, scene.now)?;
            let next = match fee.next_change_at {
                Some(at) => Some((at, due(&price(package, tariff, at)?))),
                None => None,
            };
            Some(Cost {
                base: fee.base,
                total: fee.total,
                paid: Money::new(package.paid_minor, tariff.currency),
                due: due(&fee),
                next,
            })
        }
    };
    Ok(Content {
        name: reach.name.clone(),
        tracking_no: package.tracking_no.clone(),
        carrier: package.carrier.clone(),
        guide_number: package.guide_number.clone(),
        at: scene.now,
        fee,
        free_until: package.free_until,
        hold_until: package.hold_until,
    })
}
