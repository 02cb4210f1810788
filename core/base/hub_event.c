/* SPDX-License-Identifier: Apache-2.0 */
/* hub_event.c - see hub_event.h. The address comes first: what a peer can choose is behind it, so
 * that a filter which bans addresses (fail2ban) can be sure which one it reads. */

#include "core/base/hub_event.h"

#include <glib.h>

#include <string.h>

enum { EVENT_TEXT_MAX = 1024, SAFE_TEXT = 80 };

static const char *const names[HUB_EVENT_N_KINDS] = {
    [HUB_EVENT_LOGIN_OK] = "login accepted",
    [HUB_EVENT_LOGIN_REFUSED] = "login refused",
    [HUB_EVENT_ADMIN_REFUSED] = "administrator refused",
    [HUB_EVENT_SESSION_STARTED] = "session started",
    [HUB_EVENT_SESSION_REFUSED] = "session refused",
    [HUB_EVENT_SESSION_ENDED] = "session ended",
    [HUB_EVENT_POLICY] = "refused by policy",
    [HUB_EVENT_LEASE] = "address leased",
    [HUB_EVENT_NEW_MAC] = "new Ethernet address",
};

const char *
hub_event_name(enum hub_event_kind kind)
{
    return names[kind];
}

struct fields {
    char text[EVENT_TEXT_MAX];
    size_t len;
};

static void add(struct fields *f, const char *format, ...) PRINTF_LIKE(2, 3);

static void
add(struct fields *f, const char *format, ...)
{
    size_t room = sizeof(f->text) - f->len;
    va_list args;

    va_start(args, format);
    int n = g_vsnprintf(f->text + f->len, room, format, args);
    va_end(args);
    if (n > 0)
        f->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* A text of a peer, or one that may hold spaces and no more. */
static void
add_text(struct fields *f, const char *key, const char *text)
{
    char safe[SAFE_TEXT];

    if (text)
        add(f, "%s%s=%s", f->len > 0 ? " " : "", key,
            log_text(safe, sizeof(safe), text, strlen(text)));
}

static void
add_sentence(struct fields *f, const char *key, const char *text)
{
    g_autofree char *plain = text ? g_strdelimit(g_strdup(text), "\"\\", '\'') : NULL;

    if (plain)
        add(f, "%s%s=\"%s\"", f->len > 0 ? " " : "", key, plain);
}

void
hub_event_report(const struct hub_event *e)
{
    struct fields f = {.text = ""};
    char address[IP_TEXT];

    log_sink_event(e);
    if (e->quiet || !log_is_on(e->level))
        return;
    if (e->peer.ip.family != 0)
        add(&f, "address=%s port=%u", ip_print(&e->peer.ip, address), e->peer.port);
    add_text(&f, "hub", e->hub);
    add_text(&f, "user", e->user);
    add_text(&f, "session", e->session);
    add_text(&f, "protocol", e->protocol);
    if (e->code != 0)
        add(&f, "%scode=%d", f.len > 0 ? " " : "", e->code);
    add_sentence(&f, "reason", e->reason);
    if (e->detail)
        add(&f, "%s%s", f.len > 0 ? " " : "", e->detail);
    if (e->left_out > 0)
        add(&f, "%sleft_out=%u", f.len > 0 ? " " : "", e->left_out);
    log_event_only(e->level, names[e->kind], "%s", f.text);
}
