/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.h - one account at work: its adapter, its link, its addresses, and when to try again.
 *
 * The adapter is made by tunnel_up() and stays, with its addresses, while sessions come and go, so
 * that applications keep their sockets; tunnel_free() takes all back. Control thread.
 */
#pragma once

#include "apps/client/account.h"
#include "core/base/worker.h"

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

enum { TUNNEL_MAX = 64 };

struct tunnel;

struct tunnel_config {
    struct worker *worker;
    const char *runtime_folder; /* for the notes of net_setup.h */
    const uint8_t *machine;     /* 20 bytes */
    unsigned index;             /* decides the routing table; below TUNNEL_MAX, one tunnel each */
    void *owner;
    /* Something of tunnel_status() is different now. */
    void (*changed)(void *owner, struct tunnel *t);
    /* A login was accepted. */
    void (*worked)(void *owner, struct tunnel *t);
};

/* Copies the account. Down; makes nothing in the system yet. */
struct tunnel *tunnel_new(const struct account *a, const struct tunnel_config *c);
void tunnel_free(struct tunnel *t);

/* Makes the adapter and begins to connect; when it waits for the next try, it tries now.
 * unattended: nobody waits for the outcome. Fails when there can be no adapter, or the account's
 * certificate is not usable. */
bool tunnel_up(struct tunnel *t, bool unattended, GError **error);
/* Ends the session, removes addresses, routes and the adapter. What went wrong last stays to be
 * seen. */
void tunnel_down(struct tunnel *t);

/* The name of the account. */
const char *tunnel_name(const struct tunnel *t);
/* Not down. */
bool tunnel_is_active(const struct tunnel *t);
/* Whether an account's adapter would be this one's. */
const char *tunnel_adapter(const struct tunnel *t); /* "" while there is none */

/* All that is to be known (docs/man/polyether-clientd.8). New reference. */
json_t *tunnel_status(struct tunnel *t);
/* The status of an account that has no tunnel. */
json_t *tunnel_status_down(const struct account *a);
