//! German.

use super::FrameTexts;

pub(super) const TEXTS: FrameTexts = FrameTexts {
    console: "Counterfoil-Konsole",
    navigation: "Konsole",
    overview: "Übersicht",
    payments: "Zahlungen",
    refunds: "Rückerstattungen",
    webhooks: "Webhooks",
    keys: "API-Schlüssel",
    accounts: "Konten",
    shop: "Shop",
    people: "Personen",
    audit: "Prüfprotokoll",
    go_to_live: "Zum Live-Betrieb",
    go_to_test: "Zum Testmodus",
    another_merchant: "Händler wechseln",
    sign_out: "Abmelden",
    same_by_api: "Dasselbe über die API",
    same_by_operator: "Dasselbe auf der Kommandozeile des Betreibers",
    back_to_payment: "Zurück zur Zahlung",
    to_overview: "Zur Übersicht",
    not_there_text: "Diese Seite gibt es nicht, oder sie gehört nicht zu Ihrer Konsole.",
    not_allowed_heading: "Ihre Rolle erlaubt das nicht",
    not_allowed_text: "Bitten Sie jemanden mit der Rolle „own“, Ihre Rolle zu ändern oder es für Sie zu tun.",
    not_our_form_heading: "Dieses Formular ist nicht mehr gültig",
    not_our_form_text: "Es wurde vor Ihrer Anmeldung oder auf einer anderen Website geöffnet. Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und senden Sie das Formular von dort ab.",
};
