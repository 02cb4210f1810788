/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - see session.h. */

#include "core/hub/session.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hub_event.h"
#include "core/base/log.h"
#include "core/hub/hub_priv.h"
#include "core/hub/hubs.h"

#include <string.h>

enum { NAME_USER_MAX = 64, LOG_TEXT = 80 };

/* ---- names ---- */

/* SID-USER-3, or SID-USER-[TAG]-3. Shown in tables and typed in commands: one word of letters that
 * everybody can type. */
static char *
make_name(const char *user, const char *tag, uint32_t number)
{
    char word[NAME_USER_MAX + 1];
    size_t n = 0;
    for (const char *c = user; *c && n < NAME_USER_MAX; c++)
        word[n++] = g_ascii_isalnum(*c) || strchr("-_.@", *c) ? g_ascii_toupper(*c) : '_';
    word[n] = '\0';
    if (tag)
        return g_strdup_printf("SID-%s-[%.16s]-%u", word, tag, number);
    return g_strdup_printf("SID-%s-%u", word, number);
}

static const char *
text(char out[LOG_TEXT], const char *from)
{
    return log_text(out, LOG_TEXT, from ? from : "", from ? strlen(from) : 0);
}

/* ---- life ---- */

struct session *
session_ref(struct session *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void
session_unref(struct session *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (s->port)
        hub_port_unref(s->port);
    hub_unref(s->hub);
    g_free(s->name);
    g_free(s->user);
    g_free(s->auth_user);
    g_free(s->record);
    g_free(s->group);
    g_free(s->protocol);
    g_free(s->client_name);
    g_free(s->client_host);
    g_free(s->client_os);
    g_free(s->cipher);
    g_free(s);
}

static uint32_t
take_number(struct hub *hub)
{
    g_mutex_lock(&hub->sessions_lock);
    uint32_t number = ++hub->next_session;
    g_mutex_unlock(&hub->sessions_lock);
    return number;
}

/* AutoDisconnect is over. stop() may end the session a little later. */
static void
on_bell(struct timer *t, int64_t now_us)
{
    struct session *s = container_of(t, struct session, bell);
    (void)now_us;
    if (!s->ended)
        s->ops->stop(s, PE_AUTO_DISCONNECT);
}

static struct session *
session_new(struct hub *hub, const struct session_config *config, const struct session_ops *ops,
            void *owner)
{
    struct session *s = g_new0(struct session, 1);
    s->hub = hub_ref(hub);
    s->home = worker_current();
    timer_init(&s->bell, on_bell);
    s->number = take_number(hub);
    s->name = make_name(config->user, config->tag, s->number);
    s->user = g_strdup(config->user);
    s->auth_user = g_strdup(config->auth_user);
    s->record = g_strdup(config->record);
    s->account = config->account;
    s->group = g_strdup(config->group);
    s->protocol = g_strdup(config->protocol);
    s->client_name = g_strdup(config->client_name);
    s->client_host = g_strdup(config->client_host);
    s->client_os = g_strdup(config->client_os);
    s->cipher = g_strdup(config->cipher);
    s->peer = config->peer;
    s->local = config->local;
    s->policy = config->policy;
    s->client_ver = config->client_ver;
    s->client_build = config->client_build;
    s->max_connections = config->max_connections;
    s->compressed = config->compressed;
    s->half_duplex = config->half_duplex;
    s->qos = config->qos;
    s->bridge_mode = config->bridge_mode;
    s->monitor_mode = config->monitor_mode;
    s->super_frames = config->super_frames;
    memcpy(s->unique_id, config->unique_id, sizeof(s->unique_id));
    s->created_ms = clock_wall_ms();
    s->ops = ops;
    s->owner = owner;
    atomic_init(&s->last_comm_ms, s->created_ms);
    atomic_init(&s->refs, 1);
    return s;
}

/* Enters the list if there is room. Checked under the same lock as hub_stop_sessions() walks it, so
 * that no session slips in behind it. */
static bool
enter(struct session *s, GError **error)
{
    struct hub *hub = s->hub;
    unsigned most = atomic_load(&hub->max_sessions);
    unsigned most_of_kind = atomic_load(s->bridge_mode ? &hub->max_bridges : &hub->max_clients);
    unsigned of_user = 0;
    unsigned of_kind = 0;
    int refusal = PE_OK;

    g_mutex_lock(&hub->sessions_lock);
    bool counts = s->policy.MultiLogins > 0 || most_of_kind > 0;
    for (unsigned i = 0; counts && i < hub->sessions->len; i++) {
        const struct session *other = g_ptr_array_index(hub->sessions, i);
        of_user += g_ascii_strcasecmp(other->user, s->user) == 0;
        of_kind += other->bridge_mode == s->bridge_mode;
    }
    if (!hub_is_online(hub)) {
        refusal = PE_HUB_STOPPING;
    } else if (hub->sessions->len >= most) {
        refusal = PE_HUB_FULL;
    } else if (most_of_kind > 0 && of_kind >= most_of_kind) {
        most = most_of_kind;
        refusal = PE_HUB_FULL;
    } else if (s->policy.MultiLogins > 0 && of_user >= s->policy.MultiLogins) {
        refusal = PE_TOO_MANY_USER_SESSIONS;
    } else {
        g_ptr_array_add(hub->sessions, session_ref(s));
        hub->logins++;
    }
    g_mutex_unlock(&hub->sessions_lock);

    if (refusal == PE_HUB_STOPPING)
        g_set_error(error, PE_ERROR, refusal, "hub '%s' is offline", hub->name);
    else if (refusal == PE_HUB_FULL)
        g_set_error(error, PE_ERROR, refusal, "hub '%s' has %u sessions%s, and may not have more",
                    hub->name, most, most == most_of_kind ? " of this kind" : "");
    else if (refusal != PE_OK)
        g_set_error(error, PE_ERROR, refusal,
                    "user '%s' has %u sessions in hub '%s', and may not have more", s->user,
                    of_user, hub->name);
    return refusal == PE_OK;
}

static struct session *
begin(struct hub *hub, const struct session_config *config, const struct session_ops *ops,
      void *owner, GError **error)
{
    if (config->monitor_mode && !config->policy.MonitorPort) {
        g_set_error(error, PE_ERROR, PE_MONITOR_DENIED,
                    "the security policy does not let user '%s' monitor hub '%s'", config->user,
                    hub->name);
        return NULL;
    }
    struct session *s = session_new(hub, config, ops, owner);
    struct hub_port_config port = {
        .name = s->name,
        .kind = HUB_PORT_SESSION,
        .policy = config->policy,
        .user = config->user,
        .group = config->group,
        .client = config->peer.ip,
        .over_ip6 = config->peer.ip.family == 6,
        .max_frame = config->max_frame,
        .monitor = config->monitor_mode,
    };
    s->port = hub_attach(hub, &port, &ops->port, s, error);
    if (!s->port) {
        session_unref(s);
        return NULL;
    }
    (void)hub_port_ref(s->port); /* to read its counters after the end */
    if (!enter(s, error)) {
        hub_detach(s->port);
        session_unref(s);
        return NULL;
    }
    return s;
}

static void
report_start(const struct session *s)
{
    char client[LOG_TEXT];
    char host[LOG_TEXT];
    g_autofree char *detail =
        g_strdup_printf("client=%s version=%u host=%s", text(client, s->client_name), s->client_ver,
                        text(host, s->client_host));

    hub_event_report(&(struct hub_event){.kind = HUB_EVENT_SESSION_STARTED,
                                         .level = LOG_INFO,
                                         .hub = s->hub->name,
                                         .session = s->name,
                                         .user = s->user,
                                         .protocol = s->protocol,
                                         .peer = s->peer,
                                         .detail = detail});
}

struct session *
session_start(struct hub *hub, const struct session_config *config, const struct session_ops *ops,
              void *owner, GError **error)
{
    GError *why = NULL;
    struct session *s = begin(hub, config, ops, owner, &why);

    if (s) {
        if (s->policy.AutoDisconnect > 0)
            timer_arm(worker_timers(s->home), &s->bell,
                      worker_now_us(s->home) + INT64_C(1000000) * s->policy.AutoDisconnect);
        report_start(s);
        for (const struct hub_watch *w = hub->watch; w; w = w->next) {
            if (w->session_started)
                w->session_started(w->owner, s);
        }
        return s;
    }
    hub_event_report(&(struct hub_event){.kind = HUB_EVENT_SESSION_REFUSED,
                                         .level = LOG_INFO,
                                         .hub = hub->name,
                                         .user = config->user,
                                         .protocol = config->protocol,
                                         .peer = config->peer,
                                         .code = why->code,
                                         .reason = why->message,
                                         .quiet = true}); /* the protocol logs it */
    g_propagate_error(error, why);
    return NULL;
}

static void
report_end(const struct session *s, int reason, const struct hub_port_stats *stats)
{
    g_autofree char *detail = g_strdup_printf(
        "seconds=%" G_GINT64_FORMAT " received=%" G_GUINT64_FORMAT " sent=%" G_GUINT64_FORMAT,
        (clock_wall_ms() - s->created_ms) / 1000,
        stats->in.unicast_bytes + stats->in.broadcast_bytes,
        stats->out.unicast_bytes + stats->out.broadcast_bytes);

    hub_event_report(&(struct hub_event){.kind = HUB_EVENT_SESSION_ENDED,
                                         .level = LOG_INFO,
                                         .hub = s->hub->name,
                                         .session = s->name,
                                         .user = s->user,
                                         .protocol = s->protocol,
                                         .peer = s->peer,
                                         .code = reason,
                                         .reason = pe_error_text(reason),
                                         .detail = detail});
}

void
session_end(struct session *s, int reason)
{
    g_assert(s->home == worker_current() && !s->ended);
    s->ended = true;
    timer_cancel(worker_timers(s->home), &s->bell);
    hub_detach(s->port);
    g_mutex_lock(&s->hub->sessions_lock);
    (void)g_ptr_array_remove_fast(s->hub->sessions, s);
    /* The list's reference. The protocol's is still there, so it cannot be the last. */
    (void)atomic_fetch_sub_explicit(&s->refs, 1, memory_order_release);
    g_mutex_unlock(&s->hub->sessions_lock);

    struct hub_port_stats stats;
    hub_port_get_stats(s->port, &stats);
    report_end(s, reason, &stats);
    for (const struct hub_watch *w = s->hub->watch; w; w = w->next) {
        if (w->session_ended)
            w->session_ended(w->owner, s->hub->name, s->record ? s->record : s->user, &stats);
        if (w->session_over)
            w->session_over(w->owner, s, &stats, reason);
    }
    session_unref(s);
}

void
session_get_stats(const struct session *s, struct hub_port_stats *out)
{
    hub_port_get_stats(s->port, out);
}

/* ---- stopping ---- */

struct stop {
    struct session *session; /* counted */
    int reason;
};

static void
stop_at_home(void *data)
{
    struct stop *stop = data;
    struct session *s = stop->session;
    if (!s->ended)
        s->ops->stop(s, stop->reason);
    session_unref(s);
    g_free(stop);
}

void
session_request_stop(struct session *s, int reason)
{
    struct stop *stop = g_new(struct stop, 1);
    *stop = (struct stop){.session = session_ref(s), .reason = reason};
    worker_call(s->home, stop_at_home, stop);
}

struct speed {
    struct session *session; /* counted */
    uint64_t in_bits, out_bits;
};

static void
set_speed_at_home(void *data)
{
    struct speed *speed = data;
    struct session *s = speed->session;
    if (!s->ended)
        hub_port_set_speed(s->port, speed->in_bits, speed->out_bits, !s->policy.NoQoS);
    session_unref(s);
    g_free(speed);
}

void
session_set_speed(struct session *s, uint64_t in_bits, uint64_t out_bits)
{
    struct speed *speed = g_new(struct speed, 1);
    *speed = (struct speed){.session = session_ref(s), .in_bits = in_bits, .out_bits = out_bits};
    worker_call(s->home, set_speed_at_home, speed);
}

void
hub_stop_sessions(struct hub *hub, int reason)
{
    g_autoptr(GPtrArray) all = hub_session_list(hub);
    for (unsigned i = 0; i < all->len; i++)
        session_request_stop(g_ptr_array_index(all, i), reason);
}

/* ---- for people ---- */

static void
unref_session(void *s)
{
    session_unref(s);
}

static int
by_number(const void *a, const void *b)
{
    const struct session *x = *(struct session *const *)a;
    const struct session *y = *(struct session *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

GPtrArray *
hub_session_list(struct hub *hub)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(unref_session);
    g_mutex_lock(&hub->sessions_lock);
    for (unsigned i = 0; i < hub->sessions->len; i++)
        g_ptr_array_add(list, session_ref(g_ptr_array_index(hub->sessions, i)));
    g_mutex_unlock(&hub->sessions_lock);
    g_ptr_array_sort(list, by_number);
    return list;
}

struct session *
hub_session_find(struct hub *hub, const char *name)
{
    struct session *found = NULL;
    g_mutex_lock(&hub->sessions_lock);
    for (unsigned i = 0; i < hub->sessions->len && !found; i++) {
        struct session *s = g_ptr_array_index(hub->sessions, i);
        if (g_ascii_strcasecmp(s->name, name) == 0)
            found = session_ref(s);
    }
    g_mutex_unlock(&hub->sessions_lock);
    return found;
}
