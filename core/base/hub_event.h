/* SPDX-License-Identifier: Apache-2.0 */
/* hub_event.h - what happens in a hub and belongs into its security log: logins, sessions, leases,
 * refusals. Told once, by whoever decides; it goes to the server's log as a line, and through the
 * log's sink (log.h) to the hub's own.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/log.h"

#include <stdbool.h>

enum hub_event_kind {
    HUB_EVENT_LOGIN_OK,
    HUB_EVENT_LOGIN_REFUSED,
    HUB_EVENT_ADMIN_REFUSED, /* a login of an administrator */
    HUB_EVENT_SESSION_STARTED,
    HUB_EVENT_SESSION_REFUSED, /* the login was right, and there is no session for it */
    HUB_EVENT_SESSION_ENDED,
    HUB_EVENT_POLICY,  /* something a policy or an access rule forbids */
    HUB_EVENT_LEASE,   /* an address was leased, or given back */
    HUB_EVENT_NEW_MAC, /* an Ethernet address was learned */
    HUB_EVENT_N_KINDS
};

/* Text of any origin: it is made safe where it is written. NULL and zero: nothing to say. */
struct hub_event {
    enum hub_event_kind kind;
    enum log_level level;
    const char *hub, *session, *user, *protocol;
    struct endpoint peer;
    int code;           /* enum pe_error */
    const char *reason; /* in words */
    const char *detail; /* more key=value pairs, each of them safe already */
    unsigned left_out;  /* lines of this kind that the server's log was spared */
    bool quiet;         /* only for the hub's log: the server's has seen enough of them */
};

/* Any thread. */
void hub_event_report(const struct hub_event *e);
/* "login refused" */
const char *hub_event_name(enum hub_event_kind kind);
