//! What may be changed of a customer, and by whom.

use problem::FieldError;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{Consents, CustomerDraft, Document, Faults, Language};

/// A change as the client sends it (RFC 7396): what is left out stays as it is, `null` takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CustomerPatch {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Option<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<Option<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Option<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Option<Document>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Option<AddressPatch>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Option<Language>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) consents: Option<Option<ConsentsPatch>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) is_active: Option<Option<bool>>,
    /// Who signs in as this customer.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<Option<Uuid>>,
}

/// A change of where somebody lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AddressPatch {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    building: Option<Option<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    tower: Option<Option<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    apartment: Option<Option<String>>,
}

/// A change of the channels; what is taken away is as it is for somebody new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsentsPatch {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    sms: Option<Option<bool>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    email: Option<Option<bool>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    whatsapp: Option<Option<bool>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    push: Option<Option<bool>>,
}

impl CustomerPatch {
    /// Members that the desk alone changes: what somebody is recognised by, and whether it may announce.
    pub(crate) fn for_the_desk(&self) -> Vec<&'static str> {
        let members = [
            ("name", self.name.is_some()),
            ("document", self.document.is_some()),
            ("is_active", self.is_active.is_some()),
        ];
        members.into_iter().filter(|(_, given)| *given).map(|(member, _)| member).collect()
    }

    /// The customer as it is after it, with texts as they are stored.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn onto(self, mut draft: CustomerDraft) -> Result<CustomerDraft, Faults> {
        let mut faults = Faults::new();
        keep("/name", self.name, &mut draft.name, &mut faults);
        keep("/phone", self.phone, &mut draft.phone, &mut faults);
        keep("/language", self.language, &mut draft.language, &mut faults);
        keep("/is_active", self.is_active, &mut draft.is_active, &mut faults);
        draft.email = self.email.unwrap_or(draft.email);
        draft.document = self.document.unwrap_or(draft.document);
        match self.address {
            None => {}
            Some(None) => draft.address = super::Address::default(),
            Some(Some(address)) => {
                draft.address.building = address.building.unwrap_or(draft.address.building);
                draft.address.tower = address.tower.unwrap_or(draft.address.tower);
                draft.address.apartment = address.apartment.unwrap_or(draft.address.apartment);
            }
        }
        if let Some(consents) = self.consents {
            draft.consents = consents.map_or_else(Consents::default, |change| change.onto(draft.consents));
        }
        match draft.checked() {
            Ok(draft) if faults.is_empty() => Ok(draft),
            Ok(_) => Err(faults),
            Err(others) => Err(faults.into_iter().chain(others).collect()),
        }
    }
}

impl ConsentsPatch {
    fn onto(&self, before: Consents) -> Consents {
        let usual = Consents::default();
        let wants = |given: Option<Option<bool>>, before: bool, usual: bool| match given {
            None => before,
            Some(wanted) => wanted.unwrap_or(usual),
        };
        Consents {
            sms: wants(self.sms, before.sms, usual.sms),
            email: wants(self.email, before.email, usual.email),
            whatsapp: wants(self.whatsapp, before.whatsapp, usual.whatsapp),
            push: wants(self.push, before.push, usual.push),
        }
    }
}

/// Replaces what cannot be taken away.
fn keep<T>(pointer: &str, given: Option<Option<T>>, place: &mut T, faults: &mut Faults) {
    match given {
        None => {}
        Some(Some(value)) => *place = value,
        Some(None) => faults.push(FieldError {
            pointer: pointer.to_owned(),
            code: "required",
            message: "it can be replaced and not taken away".to_owned(),
        }),
    }
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    fn ada() -> CustomerDraft {
        CustomerDraft {
            name: "Ada".to_owned(),
            phone: "+573001234567".to_owned(),
            email: Some("ada@example.com".to_owned()),
            document: None,
            address: Address {
                building: Some("Norte".to_owned()),
                tower: Some("2".to_owned()),
                apartment: None,
            },
            language: Language::Es,
            consents: Consents { sms: false, email: true, whatsapp: true, push: false },
            is_active: true,
        }
    }

    fn patched(json: &str) -> Result<CustomerDraft, Vec<String>> {
        let patch: CustomerPatch = serde_json::from_str(json).unwrap();
        patch.onto(ada()).map_err(|faults| {
            faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
        })
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        assert_eq!(patched("{}"), Ok(ada()));
        let bare = patched(r#"{"email":null,"address":{"tower":null,"apartment":" 801 "}}"#).unwrap();
        let address = Address { tower: None, apartment: Some("801".to_owned()), ..ada().address };
        assert_eq!(bare, CustomerDraft { email: None, address, ..ada() });
        assert_eq!(patched(r#"{"address":null}"#).unwrap().address, Address::default());
        let consents = patched(r#"{"consents":{"sms":null,"push":true}}"#).unwrap().consents;
        assert_eq!(consents, Consents { sms: true, push: true, ..ada().consents });
        assert_eq!(patched(r#"{"consents":null}"#).unwrap().consents, Consents::default());
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let faults = patched(r#"{"name":null,"phone":"12","email":"x","language":null}"#).unwrap_err();
        let expected =
            ["/name required", "/language required", "/phone invalid_format", "/email invalid_format"];
        assert_eq!(faults, expected);
    }

    #[test]
    fn who_somebody_is_is_for_the_desk_to_change() {
        let patch: CustomerPatch =
            serde_json::from_str(r#"{"name":"Eve","document":null,"is_active":false,"phone":"1"}"#).unwrap();
        assert_eq!(patch.for_the_desk(), ["name", "document", "is_active"]);
        let own: CustomerPatch = serde_json::from_str(r#"{"phone":"1","email":null,"consents":{}}"#).unwrap();
        assert_eq!(own.for_the_desk(), [""; 0]);
        assert!(serde_json::from_str::<CustomerPatch>(r#"{"version":1}"#).is_err());
    }
}
