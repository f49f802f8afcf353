//! Spanish.

use super::FrameTexts;

pub(super) const TEXTS: FrameTexts = FrameTexts {
    console: "Consola de Counterfoil",
    navigation: "Consola",
    overview: "Resumen",
    payments: "Pagos",
    refunds: "Reembolsos",
    webhooks: "Webhooks",
    keys: "Claves de API",
    accounts: "Cuentas",
    shop: "Tienda",
    people: "Personas",
    audit: "Auditoría",
    go_to_live: "Ir al modo real",
    go_to_test: "Ir al modo de prueba",
    another_merchant: "Otro comercio",
    sign_out: "Cerrar sesión",
    same_by_api: "Lo mismo mediante la API",
    same_by_operator: "Lo mismo en la línea de comandos del operador",
    back_to_payment: "Volver al pago",
    to_overview: "Ir al resumen",
    not_there_text: "Esta página no existe o no forma parte de su consola.",
    not_allowed_heading: "Su rol no lo permite",
    not_allowed_text: "Pida a alguien con el rol «own» que modifique su rol o que lo haga.",
    not_our_form_heading: "Este formulario ya no se puede usar",
    not_our_form_text: "Se abrió antes de que iniciara sesión o en otro sitio web. No se ha modificado nada. Vuelva atrás, cargue la página de nuevo y envíelo desde allí.",
};
