/* SPDX-License-Identifier: Apache-2.0 */
/* hubs.h - the hubs of a process, by name. Written by control; looked up on any thread under one
 * short lock (at logins, never per packet). */
#pragma once

#include "core/hub/hub.h"

struct hubs;
struct hub_port_stats;
struct session;

/* Somebody who wants to hear of what happens in all hubs. All of them may be NULL. */
struct hub_watch {
    const struct hub_watch *next; /* who wants to hear of it, too */
    /* A session has ended, and this is what went through its port. On the session's worker. */
    void (*session_ended)(void *owner, const char *hub, const char *user,
                          const struct hub_port_stats *stats);
    /* On the session's worker: it is in its hub; it is over, for this reason (enum
     * pe_error). Whoever keeps it takes a reference. */
    void (*session_started)(void *owner, struct session *s);
    void (*session_over)(void *owner, struct session *s, const struct hub_port_stats *stats,
                         int reason);
    void *owner;
};

struct hubs *hubs_new(struct worker_set *workers);
/* Destroys all hubs. */
void hubs_free(struct hubs *hubs);
/* Before the first hub is made. Borrowed, and outlives the hubs. */
void hubs_set_watch(struct hubs *hubs, const struct hub_watch *watch);
/* What the Ethernet addresses of sessions are made from, so that they stay the same over a restart;
 * without it they last as long as the process. Before the first hub is made. */
void hubs_set_secret(struct hubs *hubs, const uint8_t secret[HUB_SECRET_LEN]);
struct worker_set *hubs_workers(const struct hubs *hubs);
/* PE_HUB_EXISTS, PE_INVALID_PARAMETER (name empty, too long, or with a character other than A-Z a-z
 * 0-9 - _ . space). Borrowed. */
struct hub *hubs_create(struct hubs *hubs, const struct hub_config *config, GError **error);
bool hubs_remove(struct hubs *hubs, const char *name, GError **error);
/* Referenced; NULL when there is none. Without case. */
struct hub *hubs_find(struct hubs *hubs, const char *name);
/* Referenced hubs, sorted by name. */
GPtrArray *hubs_list(struct hubs *hubs);
