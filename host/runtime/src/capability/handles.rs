//! `handles`: what the host holds for a run, behind numbers and resources.

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTable};

use cordon_model::input::{Form, InputValue, ManualInput};
use cordon_model::json::{Json, Shape, ShapeError};
use cordon_model::plugin::ReadGrant;
use cordon_model::subject::{IdentityKind, check_identity_value};
use cordon_model::{Action, FailureCode, Records};

use crate::bindings::handles;
use crate::call::{CallState, RunState, Stop, Value, weight};
use crate::parsing::{self, Weighed};

/// Records a guest points at.
#[expect(unreachable_pub, reason = "the generated bindings re-export it as `pub`")]
pub struct HeldRecords {
    pub(crate) records: Records,
    /// What they take of the run's budget.
    weight: usize,
}

/// What a person gave, label by label in the order of the form.
#[expect(unreachable_pub, reason = "the generated bindings re-export it as `pub`")]
pub struct Input {
    fields: Vec<(String, Option<String>)>,
}

impl Input {
    pub(crate) fn new(form: Option<&Form>, given: &ManualInput) -> Self {
        let fields = match form {
            Some(form) => {
                let field = |label: &String| (label.clone(), given.values.get(label).map(text));
                form.fields.iter().map(|f| field(&f.label)).collect()
            }
            None => given.values.iter().map(|(l, v)| (l.clone(), Some(text(v)))).collect(),
        };
        Self { fields }
    }

    /// Labels with a value.
    fn labels(&self) -> Vec<String> {
        let given = self.fields.iter().filter(|(_, value)| value.is_some());
        given.map(|(label, _)| label.clone()).collect()
    }

    /// One object; none when nothing was given: "searched, nothing found".
    fn records(&self) -> Records {
        if self.fields.iter().all(|(_, value)| value.is_none()) {
            return Records::default();
        }
        let json = |value: &Option<String>| value.clone().map_or(Json::Null, Json::String);
        Records::from_fields(self.fields.iter().map(|(label, value)| (label.clone(), json(value))))
    }
}

/// A file stands for itself by its name: its bytes go to the package, past the guest.
fn text(value: &InputValue) -> String {
    match value {
        InputValue::Text(text) => text.clone(),
        InputValue::File(file) => file.name.clone(),
    }
}

/// Puts what was parsed into the table, or hands out what is wrong with it.
pub(super) fn hold_parsed(
    state: &mut CallState,
    parsed: Result<Result<Weighed, ShapeError>, Stop>,
) -> wasmtime::Result<Result<Resource<HeldRecords>, handles::ShapeError>> {
    match state.or_end(parsed)? {
        Ok((records, weight)) => Ok(Ok(hold(state, records, weight)?)),
        Err(error) => Ok(Err(error.into())),
    }
}

/// Puts records into the table, within the run's budget.
fn hold(
    state: &mut CallState,
    records: Records,
    weight: usize,
) -> wasmtime::Result<Resource<HeldRecords>> {
    let taken = state.run()?.budget.take(weight);
    state.or_end(taken)?;
    Ok(state.table.push(HeldRecords { records, weight })?)
}

/// Takes returned records out of the table.
pub(crate) fn take(table: &mut ResourceTable, handle: Resource<HeldRecords>) -> Option<Records> {
    table.delete(handle).ok().map(|held| held.records)
}

impl handles::Host for CallState {
    async fn make_records(
        &mut self,
        json: String,
    ) -> wasmtime::Result<Result<Resource<HeldRecords>, handles::ShapeError>> {
        self.run()?;
        hold_parsed(self, parsing::records(Bytes::from(json), String::new()).await)
    }

    fn read_identity(&mut self, id: u32) -> wasmtime::Result<String> {
        let run = self.run()?;
        let read = run.need(ReadGrant::Identities).and_then(|()| {
            let (_, value) = run
                .values
                .identity(id)
                .ok_or_else(|| Stop::misuse("the plugin read a number that is no identity"))?;
            Ok(value.to_owned())
        });
        self.or_end(read)
    }
}

impl handles::HostRecords for CallState {
    fn count(&mut self, handle: Resource<HeldRecords>) -> wasmtime::Result<u32> {
        let count = self.table.get(&handle)?.records.len();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn identities(
        &mut self,
        handle: Resource<HeldRecords>,
    ) -> wasmtime::Result<Result<Vec<handles::Identity>, handles::ShapeError>> {
        let (run, table) = self.parts()?;
        let held = table.get(&handle)?;
        let lifted = lift(run, &held.records, held.weight);
        Ok(self.or_end(lifted)?.map_err(Into::into))
    }

    fn read(&mut self, handle: Resource<HeldRecords>, index: u32) -> wasmtime::Result<String> {
        let granted = self.run()?.need(ReadGrant::Responses);
        self.or_end(granted)?;
        let objects = self.table.get(&handle)?.records.objects();
        let text = usize::try_from(index).ok().and_then(|i| objects.get(i)).map(Json::to_text);
        self.or_end(text.ok_or_else(|| Stop::misuse("the plugin read a record that is not there")))
    }

    fn drop(&mut self, handle: Resource<HeldRecords>) -> wasmtime::Result<()> {
        let weight = self.table.delete(handle)?.weight;
        self.run()?.budget.give_back(weight);
        Ok(())
    }
}

impl handles::HostInput for CallState {
    fn labels(&mut self, handle: Resource<Input>) -> wasmtime::Result<Vec<String>> {
        Ok(self.table.get(&handle)?.labels())
    }

    fn records(&mut self, handle: Resource<Input>) -> wasmtime::Result<Resource<HeldRecords>> {
        let records = self.table.get(&handle)?.records();
        let weight = records.objects().iter().map(weight).sum();
        hold(self, records, weight)
    }

    fn drop(&mut self, handle: Resource<Input>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// Makes identities out of records: only in an identifiers run, and only the wanted kind.
fn lift(
    run: &mut RunState,
    records: &Records,
    size: usize,
) -> Result<Result<Vec<handles::Identity>, ShapeError>, Stop> {
    let (Some(Action::Identifiers), Some(wanted)) = (run.action, run.wanted.clone()) else {
        let detail = "the plugin wanted to lift identities outside an identifiers run";
        return Err(Stop::failed(FailureCode::NotGranted, detail));
    };
    let values = match found(records, &wanted, size as u64) {
        Ok(values) => values,
        Err(error) => return Ok(Err(error)),
    };
    let mut identities: Vec<handles::Identity> = Vec::new();
    for value in values {
        let id = match run.values.found(&wanted, &value) {
            Some(id) => id,
            None => run.values.add(Value::Identity { kind: wanted.clone(), value, found: true })?,
        };
        if identities.iter().all(|identity| identity.id != id) {
            identities.push(handles::Identity { id, kind: wanted.to_string(), fresh: true });
        }
    }
    Ok(Ok(identities))
}

/// The value of each object under the wanted kind, or under its category (BEHAVIOUR D7).
fn found(records: &Records, wanted: &IdentityKind, size: u64) -> Result<Vec<String>, ShapeError> {
    let malformed = |found: Shape| ShapeError { expected: Shape::Text, found, offset: 0, size };
    let key = wanted.as_str();
    let category = key.strip_prefix("primary_").unwrap_or(key);
    let mut values = Vec::new();
    for object in records.objects() {
        let Json::Object(entries) = object else { return Err(malformed(object.shape())) };
        let under = |name: &str| entries.iter().find(|(k, _)| k == name).map(|(_, value)| value);
        match under(key).or_else(|| under(category)) {
            Some(Json::String(text) | Json::Number(text)) => {
                check_identity_value(text).map_err(|_| malformed(Shape::Text))?;
                values.push(text.clone());
            }
            Some(other) => return Err(malformed(other.shape())),
            None => return Err(malformed(Shape::Missing)),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cordon_model::input::{FieldType, FormField};
    use cordon_model::{Revision, Timestamp};

    use super::*;

    fn lifted(json: &str, wanted: &str) -> Result<Vec<String>, Shape> {
        let records = Records::parse(json.as_bytes(), "").unwrap();
        found(&records, &wanted.parse().unwrap(), 0).map_err(|error| error.found)
    }

    #[test]
    fn an_identity_stands_under_the_wanted_kind_or_its_category() {
        assert_eq!(lifted(r#"[{"email":"p@x.com"}]"#, "email"), Ok(vec!["p@x.com".to_owned()]));
        let phone = r#"[{"phone_number":"1"},{"phone_number":"2","primary_phone_number":"3"}]"#;
        assert_eq!(lifted(phone, "primary_phone_number"), Ok(vec!["1".to_owned(), "3".to_owned()]));
        assert_eq!(
            lifted(r#"[{"primary_phone_number":"1"}]"#, "phone_number"),
            Err(Shape::Missing)
        );
        assert_eq!(lifted("[]", "email"), Ok(vec![]));
    }

    #[test]
    fn a_number_is_an_identity_with_its_text() {
        let json = r#"[{"user_id":12345678901234567890}]"#;
        assert_eq!(lifted(json, "user_id"), Ok(vec!["12345678901234567890".to_owned()]));
    }

    #[test]
    fn anything_else_is_malformed() {
        for (json, shape) in [
            (r#"[{"email":null}]"#, Shape::Null),
            (r#"[{"email":["p@x.com"]}]"#, Shape::Array),
            (r#"[{"email":true}]"#, Shape::Boolean),
            (r#"[{"email":""}]"#, Shape::Text),
            (r#"[{"email":"a\u202eb"}]"#, Shape::Text),
            (r#"[{"email":"p@x.com"},{}]"#, Shape::Missing),
        ] {
            assert_eq!(lifted(json, "email"), Err(shape), "{json}");
        }
    }

    fn input(form: bool, values: &[(&str, &str)]) -> Input {
        let field = |label: &str| FormField {
            name: label.to_owned(),
            label: label.to_owned(),
            types: vec![FieldType::Text],
            required: false,
        };
        let given = ManualInput {
            tenant: "acme".parse().unwrap(),
            request: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            task: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            connection: "desk".parse().unwrap(),
            values: values
                .iter()
                .map(|(k, v)| ((*k).to_owned(), InputValue::Text((*v).to_owned())))
                .collect::<BTreeMap<_, _>>(),
            given_by: "x".to_owned(),
            given_at: Timestamp::UNIX_EPOCH,
            segments_closed: 0,
            revision: Revision::FIRST,
        };
        let fields = Form { fields: vec![field("b"), field("a")] };
        Input::new(form.then_some(&fields), &given)
    }

    #[test]
    fn an_input_keeps_the_order_of_the_form_and_a_missing_value_is_null() {
        let input = input(true, &[("a", "1")]);
        assert_eq!(input.labels(), ["a"]);
        assert_eq!(input.records().to_text(), r#"[{"b":null,"a":"1"}]"#);
    }

    #[test]
    fn an_empty_input_means_searched_and_nothing_found() {
        assert!(input(true, &[]).labels().is_empty());
        assert!(input(true, &[]).records().is_empty());
        assert_eq!(input(false, &[("a", "1")]).records().to_text(), r#"[{"a":"1"}]"#);
    }
}
