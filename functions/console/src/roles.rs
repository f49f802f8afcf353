//! Which role may ask for which page: the table in roles.txt, which the end-to-end tests go through by HTTP.

use models::Role;

use crate::route::PAGES;

#[test]
fn each_role_may_do_what_the_table_says() {
    let rows = PAGES.iter().map(|(method, pattern, permission, _)| {
        let roles = Role::ALL.into_iter().filter(|role| role.may(*permission)).map(Role::as_str);
        format!("{:<33}{}\n", format!("{method} {pattern}"), roles.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(rows.collect::<String>(), include_str!("roles.txt"));
}
