//! Welsh.

use super::FrameTexts;

pub(super) const TEXTS: FrameTexts = FrameTexts {
    console: "Consol Counterfoil",
    navigation: "Consol",
    overview: "Trosolwg",
    payments: "Taliadau",
    refunds: "Ad-daliadau",
    webhooks: "Webhooks",
    keys: "Allweddi API",
    accounts: "Cyfrifon",
    shop: "Siop",
    people: "Pobl",
    audit: "Cofnod archwilio",
    go_to_live: "I’r modd byw",
    go_to_test: "I’r modd prawf",
    another_merchant: "Masnachwr arall",
    sign_out: "Allgofnodi",
    same_by_api: "Yr un peth drwy’r API",
    same_by_operator: "Yr un peth ar linell orchymyn y gweithredwr",
    back_to_payment: "Yn ôl i’r taliad",
    to_overview: "I’r trosolwg",
    not_there_text: "Nid yw’r dudalen hon yno, neu nid yw’n rhan o’ch consol.",
    not_allowed_heading: "Nid yw eich rôl yn caniatáu hyn",
    not_allowed_text: "Gofynnwch i rywun â’r rôl “own” newid eich rôl, neu wneud hyn.",
    not_our_form_heading: "Ni ellir defnyddio’r ffurflen hon mwyach",
    not_our_form_text: "Fe’i hagorwyd cyn i chi fewngofnodi, neu ar wefan arall. Ni newidiwyd dim. Ewch yn ôl, llwythwch y dudalen eto, ac anfonwch y ffurflen oddi yno.",
};
