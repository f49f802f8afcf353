//! French.

use super::FrameTexts;

pub(super) const TEXTS: FrameTexts = FrameTexts {
    console: "Console Counterfoil",
    navigation: "Console",
    overview: "Vue d’ensemble",
    payments: "Paiements",
    refunds: "Remboursements",
    webhooks: "Webhooks",
    keys: "Clés d’API",
    accounts: "Comptes",
    shop: "Boutique",
    people: "Personnes",
    audit: "Journal d’audit",
    go_to_live: "Passer en mode réel",
    go_to_test: "Passer en mode test",
    another_merchant: "Autre commerçant",
    sign_out: "Se déconnecter",
    same_by_api: "L’équivalent via l’API",
    same_by_operator: "L’équivalent en ligne de commande, pour l’exploitant",
    back_to_payment: "Retour au paiement",
    to_overview: "Aller à la vue d’ensemble",
    not_there_text: "Cette page n’existe pas ou ne fait pas partie de votre console.",
    not_allowed_heading: "Votre rôle ne le permet pas",
    not_allowed_text: "Demandez à une personne dont le rôle est «\u{a0}own\u{a0}» de modifier votre rôle ou de s’en charger.",
    not_our_form_heading: "Ce formulaire ne peut plus être utilisé",
    not_our_form_text: "Il a été ouvert avant votre connexion ou sur un autre site. Rien n’a été modifié. Revenez en arrière, rechargez la page et envoyez le formulaire depuis celle-ci.",
};
