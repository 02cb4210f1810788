/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - see usage.h. */

#include "apps/server/usage.h"

#include "core/hub/hub_port.h"

struct report {
    struct store *store;
    char *hub, *user;
    uint64_t traffic[8];
};

static gboolean
note(gpointer data)
{
    const struct report *r = data;

    store_user_add_traffic(r->store, r->hub, r->user, r->traffic);
    return G_SOURCE_REMOVE;
}

static void
report_free(gpointer data)
{
    struct report *r = data;

    g_free(r->hub);
    g_free(r->user);
    g_free(r);
}

static void
session_ended(void *owner, const char *hub, const char *user, const struct hub_port_stats *stats)
{
    struct report *r = g_new(struct report, 1);

    *r = (struct report){
        .store = owner,
        .hub = g_strdup(hub),
        .user = g_strdup(user),
        .traffic = {stats->in.broadcast_bytes, stats->in.broadcast_frames, stats->in.unicast_bytes,
                    stats->in.unicast_frames, stats->out.broadcast_bytes,
                    stats->out.broadcast_frames, stats->out.unicast_bytes,
                    stats->out.unicast_frames},
    };
    g_main_context_invoke_full(NULL, G_PRIORITY_DEFAULT, note, r, report_free);
}

struct hub_watch
usage_watch(struct store *store)
{
    return (struct hub_watch){.session_ended = session_ended, .owner = store};
}
