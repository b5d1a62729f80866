//! What is admitted, and what is refused with which reason. That each limit holds exactly is
//! shown in `bounds`.

mod bounds;

use super::*;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A section whose content is longer than 127 bytes is not needed but once.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut size = content.len();
    let mut section = vec![id];
    loop {
        let low = u8::try_from(size & 0x7f).unwrap();
        size >>= 7;
        section.push(if size > 0 { low | 0x80 } else { low });
        if size == 0 {
            break;
        }
    }
    section.extend_from_slice(content);
    section
}

/// A component that imports an instance under a name.
fn importing(name: &str) -> Vec<u8> {
    let mut import = vec![1, 0, u8::try_from(name.len()).unwrap()];
    import.extend_from_slice(name.as_bytes());
    import.extend_from_slice(&[5, 0]);
    // (type (instance)) (import name (instance (type 0)))
    [COMPONENT, &section(7, &[1, 0x42, 0]), &section(10, &import)].concat()
}

fn looked(bytes: &[u8]) -> Result<look::Seen, Error> {
    look::look(bytes, &Options::default())
}

#[test]
fn only_the_contract_and_wasi_may_be_imported() {
    for good in [
        "cordon:connector/handles@0.1.0",
        "cordon:connector/http@0.1.7",
        "wasi:http/types@0.2.0",
        "wasi:cli/environment@0.2.12",
    ] {
        assert_eq!(looked(&importing(good)).unwrap().imports, [good]);
    }
    for bad in [
        "wasi:cli/environment@0.3.0",
        "wasi:cli/environment",
        "wasi:keyvalue/store@0.2.0",
        "wasi:nn/tensor@0.2.0",
        "wasi:http/types@0.2.x",
        "cordon:connector/http@0.2.0",
        "cordon:connector/http@0.1.0-rc1",
        "cordon:connector/http",
        "cordon:other/http@0.1.0",
    ] {
        let refused = looked(&importing(bad));
        assert!(matches!(refused, Err(Error::ForeignImports(names)) if names == [bad]), "{bad}");
    }
}

#[test]
fn what_is_no_component_is_refused() {
    for bytes in [b"".as_slice(), b"hello", MODULE, &COMPONENT[..6]] {
        assert!(matches!(looked(bytes), Err(Error::NotAComponent(_))), "{bytes:?}");
    }
    let cut = importing("cordon:connector/http@0.1.0");
    let cut = &cut[..cut.len() - 3];
    assert!(matches!(looked(cut), Err(Error::NotAComponent(_))));
}

fn described() -> types::Descriptor {
    types::Descriptor {
        connector_type: "crm".to_owned(),
        category: "api".to_owned(),
        display_name: "CRM".to_owned(),
        actions: vec![types::Action::Access, types::Action::Delete],
        config_schema: "{}".to_owned(),
        policy_schema: None,
        reads: vec![],
    }
}

#[test]
fn a_descriptor_that_cannot_be_used_is_refused() {
    let options = Options { schema_bytes_max: 100, ..Options::default() };
    let refused = |change: fn(&mut types::Descriptor)| {
        let mut descriptor = described();
        change(&mut descriptor);
        checked(descriptor, &options).is_err()
    };
    assert!(!refused(|_| {}));
    assert!(refused(|d| d.connector_type = "APIProxy".to_owned()));
    assert!(refused(|d| d.connector_type = String::new()));
    assert!(refused(|d| d.connector_type = "x".repeat(65)));
    assert!(refused(|d| d.category = "1st".to_owned()));
    assert!(refused(|d| d.display_name = " ".to_owned()));
    assert!(refused(|d| d.display_name = "a\nb".to_owned()));
    assert!(refused(|d| d.actions.push(types::Action::Access)));
    assert!(refused(|d| d.config_schema = "[]".to_owned()));
    assert!(refused(|d| d.config_schema = format!("{{\"a\":\"{}\"}}", "x".repeat(100))));
    assert!(refused(|d| d.policy_schema = Some("no JSON".to_owned())));
}

/// A component with a custom section.
fn with_custom(name: &str, content: &[u8]) -> Vec<u8> {
    let mut custom = vec![u8::try_from(name.len()).unwrap()];
    custom.extend_from_slice(name.as_bytes());
    custom.extend_from_slice(content);
    [COMPONENT, &section(0, &custom)].concat()
}

#[test]
fn a_component_may_say_its_name_and_its_version() {
    let version = |text: &str| looked(&with_custom("version", text.as_bytes())).unwrap().version;
    assert_eq!(version("1.2.0").as_deref(), Some("1.2.0"));
    assert_eq!(version("../1").as_deref(), None, "what no plugin can have is as good as none");
    let name = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        let subsection = [&[0, length + 1, length], text.as_bytes()].concat();
        looked(&with_custom("component-name", &subsection)).unwrap().name
    };
    assert_eq!(name("acme-crm").as_deref(), Some("acme-crm"));
    assert_eq!(name("Acme CRM").as_deref(), None);
    assert_eq!(looked(&with_custom("component-name", &[0, 9])).unwrap().name, None);
}
