//! The demo's page in a headless browser: what people see and do, by mouse, by keyboard and on a phone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod harness;

use harness::with_page;

const TAB: &str = "\u{e004}";
const BACK_TAB: &str = "\u{e008}\u{e004}\u{e008}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";
const SWITCH: &str = "\u{e009}k\u{e009}";

#[tokio::test]
async fn access_is_asked_for_approved_lent_and_verified_gone() {
    with_page(1440, async |page| {
        page.type_line("/access prod-db 2h invoice 1204 <img src=x> is stuck").await;
        page.see(".ephemeral", "Asked for Production database").await;
        page.become_("bob").await;
        page.see(".card", "Waiting for approval").await;
        page.see(".card blockquote", "invoice 1204 <img src=x> is stuck").await;
        page.until("document.querySelectorAll('.chat img').length === 0", "text is no markup").await;
        page.click(".message:not(.ephemeral) [data-action=approve]").await;
        page.see("[data-device=alice-laptop] [data-attribute='custom:jit_prod_db']", "left").await;
        page.see("[data-device=alice-laptop] [data-rule=open]", "tag:prod-db tcp:5432").await;
        page.see(".card", "Active until").await;
        page.click("[data-clock=deadline]").await;
        page.see(".card", "Verified gone").await;
        page.until("!document.querySelector('[data-rule=open]')", "the door is shut").await;
        // What there is to see waits until the reader goes on.
        for step in ["open", "gone"] {
            page.until(&format!("document.querySelector('[data-step={step}].now')"), "the tour shows it").await;
            page.click("[data-coach='Go on']").await;
        }
        for step in ["ask", "approve", "open", "wait", "gone"] {
            page.until(&format!("document.querySelector('[data-step={step}].done')"), "the tour has seen it").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_shows_what_is_wrong_at_its_field_and_is_sent_when_it_is_mended() {
    with_page(1440, async |page| {
        page.type_line("/access").await;
        page.see("dialog.modal", "Borrow access").await;
        page.keys(ESCAPE).await;
        page.until("!document.querySelector('dialog')", "Escape closes the form").await;
        page.until("document.activeElement.id === 'composer'", "the focus is where it was").await;

        page.type_line("/access").await;
        page.see("dialog.modal", "Hold").await;
        // It is the conversation's alone: the rest of the page can be used, and it is there for whoever comes back.
        page.become_("bob").await;
        page.until("!document.querySelector('dialog')", "it is not in front of Bob").await;
        page.until("!document.querySelector('#composer').closest('[inert]')", "Bob may type").await;
        page.become_("alice").await;
        page.see("dialog.modal", "Hold").await;
        page.until("document.querySelector('#composer').closest('[inert]')", "nothing behind it is typed into").await;
        // The form changes with what is chosen.
        page.click("dialog.modal .combo input[id*=workflow]").await;
        page.see("dialog.modal [role=listbox]", "Production database").await;
        page.keys(&format!("Prod{ENTER}")).await;
        page.see("dialog.modal .label", "Reason").await;
        page.click("dialog.modal .combo input[id*=hold]").await;
        page.see("dialog.modal [role=listbox]", "1 hour").await;
        page.keys(&format!("2 h{ENTER}")).await;
        page.until(
            "document.querySelector('dialog.modal .combo input[id*=hold]').value.startsWith('2 hours')",
            "two hours are chosen",
        )
        .await;
        page.click("dialog.modal [type=submit]").await;
        page.see("dialog.modal .block-input .error", "required").await;
        page.click("dialog.modal textarea").await;
        page.keys("the invoice").await;
        page.click("dialog.modal [type=submit]").await;
        page.see("dialog.modal", "Asked for Production database").await;
        page.click("dialog.modal .foot button").await;
        page.until("!document.querySelector('dialog')", "the form is closed").await;
        page.see(".message:not(.ephemeral) .card", "the invoice").await;
    })
    .await;
}

#[tokio::test]
async fn a_killed_bot_goes_on_where_it_was() {
    with_page(1440, async |page| {
        page.type_line("/access prod-db 1h invoice 1204").await;
        page.become_("bob").await;
        page.click(".message:not(.ephemeral) [data-action=approve]").await;
        page.see(".card", "Active until").await;
        page.click(".bot [data-action=kill]").await;
        page.see("[data-bot=killed]", "killed").await;
        page.type_line("/access list").await;
        page.see(".ephemeral", "failed").await;
        page.click("[data-clock=deadline]").await;
        page.until("!document.querySelector('[data-rule=open]')", "Tailscale shuts the door by itself").await;
        page.click(".bot [data-action=start]").await;
        page.see("[data-bot=running]", "running").await;
        page.see(".card", "Verified gone").await;
    })
    .await;
}

#[tokio::test]
async fn everything_can_be_done_by_keyboard() {
    with_page(1440, async |page| {
        page.tab_to(TAB, "#composer").await;
        // The list completes what is half typed.
        page.keys("/acc").await;
        page.keys(TAB).await;
        page.keys("prod").await;
        page.see("#completions", "prod-db").await;
        page.keys(TAB).await;
        page.see("#completions", "the usual").await;
        page.keys(&format!("{DOWN}{DOWN}{ENTER}")).await;
        page.until("document.getElementById('composer').value === '/access prod-db 30m '", "the line is completed")
            .await;
        page.keys(&format!("invoice 1204{ENTER}")).await;
        page.see(".card", "Waiting for approval").await;
        // What closes the switcher presses nothing behind it, for whoever one has become.
        page.tab_to(BACK_TAB, ".message:not(.ephemeral) [data-action=approve]").await;
        page.keys(SWITCH).await;
        page.see("dialog.switcher", "Be Carol").await;
        page.keys(&format!("carol{ENTER}")).await;
        page.see(".seen-as", "Carol").await;
        page.keys("/").await;
        page.until("document.activeElement.id === 'composer'", "one key leads to where one types").await;
        page.see(".card", "Waiting for approval").await;
        page.keys(SWITCH).await;
        page.see("dialog.switcher", "Be Bob").await;
        page.keys(&format!("bob{ENTER}")).await;
        page.see(".seen-as", "Bob").await;
        page.until("document.activeElement.id === 'composer'", "the focus is where it was").await;
        page.tab_to(BACK_TAB, ".message:not(.ephemeral) [data-action=approve]").await;
        page.keys(ENTER).await;
        page.see("[data-device=alice-laptop] [data-rule=open]", "tag:prod-db").await;
        page.tab_to(TAB, "[data-clock=deadline]").await;
        page.keys(ENTER).await;
        page.see(".card", "Verified gone").await;
    })
    .await;
}

#[tokio::test]
async fn on_a_phone_nothing_is_wider_than_the_screen() {
    with_page(390, async |page| {
        page.type_line("/access prod-db 2h invoice 1204").await;
        page.see(".card", "Waiting for approval").await;
        for pane in ["people", "tailnet", "chat"] {
            page.click(&format!("[data-pane={pane}]")).await;
            page.until(&format!("document.querySelector('[data-pane={pane}][aria-current]')"), "the pane is in front").await;
            let wide = "[...document.querySelectorAll('#app *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 \
                        && getComputedStyle(one).position !== 'absolute' && !one.closest('.log, pre, .scroll')).length === 0";
            page.until(wide, &format!("{pane} fits")).await;
        }
    })
    .await;
}

/// The bot's own pages: the address of the first link in the messages whose text holds `part`.
async fn address(page: &harness::Page, part: &str) -> String {
    let css = format!(".message a[href*='{part}']");
    page.element(&css).await.attr("href").await.expect("an answer").expect("an address")
}

#[tokio::test]
async fn a_paste_made_in_the_chat_is_read_switched_and_deleted_in_the_browser() {
    with_page(400, async |page| {
        page.type_line("/paste let x = 1; // one").await;
        let address = address(page, "/paste/").await;
        page.client.goto(&address).await.expect("the paste opens");
        page.see("main pre", "let x = 1;").await;
        let wraps = "getComputedStyle(document.querySelector('.l')).whiteSpace.includes('wrap')";
        page.until(&format!("!{wraps}"), "lines are not wrapped").await;
        page.click("label:has(#wrap)").await;
        page.until(wraps, "lines are wrapped").await;
        let number = "getComputedStyle(document.querySelector('.l'), '::before').content.includes('counter')";
        page.until(number, "lines are numbered").await;
        page.tab_to(TAB, "#numbers").await;
        page.keys(" ").await;
        page.until(&format!("!{number}"), "they are not, when switched off by keyboard").await;
        page.until("document.documentElement.scrollWidth <= innerWidth", "nothing is wider than a phone").await;
        page.until("!document.scripts.length", "there is no script").await;
        page.click("summary").await;
        let (own, _) = address.split_once("/paste/").expect("an address of a paste");
        page.click_to("button.danger", &format!("{own}/paste/list")).await;
        page.see("main", "There are no pastes").await;
        page.client.goto(&address).await.expect("an answer");
        page.see("main", "There is no paste here").await;
    })
    .await;
}

#[tokio::test]
async fn a_link_made_in_the_chat_belongs_to_who_sits_at_the_browser() {
    with_page(1440, async |page| {
        page.type_line("/go wiki https://example.com/wiki/").await;
        let address = address(page, "/go/wiki").await;
        page.client.goto(&address.replace("/go/wiki", "/go/.detail/wiki")).await.expect("the link opens");
        page.see("body", "go/wiki").await;
        page.element("button.danger").await;
        page.client.goto(&page.url).await.expect("back");
        page.until("document.getElementById('composer')", "the page is drawn").await;
        page.become_("bob").await;
        page.client.goto(&address.replace("/go/wiki", "/go/.detail/wiki")).await.expect("the link opens");
        page.see("body", "go/wiki").await;
        page.until("!document.querySelector('button.danger')", "bob may not delete it").await;
    })
    .await;
}

/// README's picture is what the page shows today: it is written with `NIGHTLATCH_WRITE_PICTURES=1 cargo test --test browser picture`.
#[tokio::test]
async fn the_picture_in_the_readme_is_of_this_page() {
    with_page(1440, async |page| {
        page.type_line("/access prod-db 2h invoice 1204 is stuck").await;
        page.see(".ephemeral", "Asked for Production database").await;
        page.become_("bob").await;
        page.click(".message:not(.ephemeral) [data-action=approve]").await;
        page.see(".card", "Active until").await;
        page.see("[data-device=alice-laptop] [data-rule=open]", "tag:prod-db tcp:5432").await;
        page.until("document.querySelector('[data-step=open].now')", "the tour shows the open door").await;
        page.until("document.querySelectorAll('.steps li').length === 7", "the tour has seven steps").await;
        page.until("document.querySelector('.device.lit[data-device=alice-laptop]')", "what changed is lit up").await;
        let picture = page.client.screenshot().await.unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "a picture");
        if std::env::var_os("NIGHTLATCH_WRITE_PICTURES").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/demo.png"), picture).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_step_of_the_tour_lends_before_it_breaks() {
    with_page(1440, async |page| {
        page.click("[data-coach='Type it for me']").await;
        page.until("document.activeElement.id === 'composer'", "the line has the focus from the first letter").await;
        page.see(".coach", "Now press").await;
        page.keys(ENTER).await;
        page.click("[data-coach='Be Bob']").await;
        page.click(".message:not(.ephemeral) [data-action=approve]").await;
        page.see(".coach", "The door to the database is open").await;
        page.click("[data-coach='Go on']").await;
        page.click("[data-coach='To the deadline']").await;
        page.see(".coach", "The door is closed").await;
        page.click("[data-coach='Go on']").await;
        page.click("[data-coach='Type it for me']").await;
        page.until("document.getElementById('composer').value.endsWith('/wiki/')", "the line is typed").await;
        page.keys(ENTER).await;
        page.click("[data-coach='Go on']").await;
        page.click("[data-coach='Lend it again']").await;
        page.click("[data-coach='Make Tailscale fail']").await;
        page.click("[data-coach='To the deadline']").await;
        page.see(".coach", "Its time is up, and it cannot be taken back").await;
        page.click("[data-coach='Mend everything']").await;
        page.see(".coach", "Mended").await;
        page.click("[data-coach='Done']").await;
        page.see(".coach", "That is all of it").await;
        page.client.goto(&format!("{}go-live", page.url)).await.expect("what comes next");
        page.see("body", "Create the Slack app").await;
    })
    .await;
}
