/* SPDX-License-Identifier: Apache-2.0 */
/* logs.c - see logs.h.
 *
 * Control alone changes things. Events come from any thread: they find their hub's log in a table
 * under a lock that is held for the time of a copy into a queue.
 */

#include "apps/server/logs.h"

#include "apps/server/logs_tap.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hub_event.h"
#include "core/base/random.h"
#include "core/log/event_log.h"
#include "core/log/log_list.h"
#include "core/log/syslog.h"
#include "core/rpc/log_config.h"

#include <string.h>

#define MEGABYTE UINT64_C(1048576)

enum {
    CAPTURE_IDLE_S = 10, /* nobody has fetched */
    CAPTURE_PIECE = 1024 * 1024,
    SWEEP_S = 2,
    PORT_SYSLOG = 514,      /* RFC 5426 */
    PORT_SYSLOG_TLS = 6514, /* RFC 5425 */
};

struct hub_capture {
    struct capture *capture;
    uint32_t id;
    int64_t fetched_us;
};

struct hub_logs {
    char *name;           /* as the hub's */
    struct log *security; /* NULL: off; under the lock of struct logs */
    struct tap_log *packet;
    struct packet_levels levels;
    struct hub_capture capture[TAP_CAPTURES];
    unsigned n_captures;
};

struct logs {
    struct store *store;
    struct logger *logger;
    struct syslog *syslog;
    struct hubs *hubs;
    struct log_sink sink;
    GMutex lock;        /* who looks a log up, and who changes one */
    struct log *server; /* NULL: off */
    GHashTable *by_hub; /* upper-case name -> struct hub_logs; changed by control */
    unsigned forward;   /* SaveType */
    bool compress;
    guint sweep; /* GSource, while there are captures */
};

/* ---- events, on any thread ---- */

static void
on_line(void *owner, enum log_level level, const char *text, size_t event_len, size_t len)
{
    struct logs *l = owner;

    g_mutex_lock(&l->lock);
    if (l->server)
        event_log_line(l->server, level, text, event_len, len, clock_wall_ms());
    g_mutex_unlock(&l->lock);
}

/* An event of a hub that there is not, or of none, is the server's. */
static void
on_event(void *owner, const struct hub_event *e)
{
    struct logs *l = owner;
    g_autofree char *key = e->hub ? g_ascii_strup(e->hub, -1) : NULL;

    g_mutex_lock(&l->lock);
    const struct hub_logs *h = key ? g_hash_table_lookup(l->by_hub, key) : NULL;
    struct log *log = h ? h->security : l->server;
    if (log)
        event_log_event(log, e, clock_wall_ms());
    g_mutex_unlock(&l->lock);
}

/* ---- the server's log and syslog ---- */

static struct log_rules
rules_of(const struct record *r, const char *every, const char *days, const char *megabytes,
         const char *max, bool compress)
{
    return (struct log_rules){.every = (enum log_switch)record_u32(r, every),
                              .max_bytes = record_u32(r, max) * MEGABYTE,
                              .keep_bytes = record_u32(r, megabytes) * MEGABYTE,
                              .keep_days = record_u32(r, days),
                              .compress = compress};
}

/* Opens, closes or changes one. *log under the lock. */
static void
set_log(struct logs *l, struct log **log, const char *name, const struct log_rules *rules,
        bool forward)
{
    struct log *old = *log;
    struct log *new = rules ? old : NULL;

    if (rules && old)
        log_set_rules(old, rules);
    else if (rules)
        new = logger_open(l->logger, name, rules, &event_log_format);
    if (new)
        log_set_forward(new, forward);
    g_mutex_lock(&l->lock);
    *log = new;
    g_mutex_unlock(&l->lock);
    if (old && !new)
        logger_close(old);
}

static void
apply_syslog(struct logs *l)
{
    g_autoptr(record_t) r = log_config_syslog(l->store);
    const char *transport = record_text(r, "Transport_str");
    const char *ca = record_text(r, "CaCert_str");
    bool tls = strcmp(transport, "tls") == 0;
    uint32_t port = record_u32(r, "Port_u32");
    struct syslog_config config = {.transport = tls                             ? SYSLOG_TLS
                                                : strcmp(transport, "tcp") == 0 ? SYSLOG_TCP
                                                                                : SYSLOG_UDP,
                                   .host = (char *)record_text(r, "Hostname_str"),
                                   .port = (uint16_t)(port != 0 ? port
                                                      : tls     ? PORT_SYSLOG_TLS
                                                                : PORT_SYSLOG),
                                   .ca = ca[0] ? g_bytes_new(ca, strlen(ca)) : NULL};

    l->forward = config.host[0] ? record_u32(r, "SaveType_u32") : 0;
    syslog_configure(l->syslog, l->forward > 0 ? &config : NULL);
    g_clear_pointer(&config.ca, g_bytes_unref);
}

static void
apply_server(struct logs *l)
{
    g_autoptr(record_t) r = log_config_server(l->store);

    apply_syslog(l);
    l->compress = record_bool(r, "LogCompress_bool");
    logger_set_json(l->logger, strcmp(record_text(r, "LogFormat_str"), "json") == 0);
    const struct log_rules rules =
        rules_of(r, "ServerLogSwitchType_u32", "ServerLogKeepDays_u32",
                 "ServerLogKeepMegabytes_u32", "ServerLogMaxMegabytes_u32", l->compress);
    set_log(l, &l->server, "server", record_bool(r, "SaveServerLog_bool") ? &rules : NULL,
            l->forward >= 1);
}

/* ---- hubs ---- */

static struct hub_logs *
find_hub(const struct logs *l, const char *hub)
{
    g_autofree char *key = g_ascii_strup(hub, -1);

    return g_hash_table_lookup(l->by_hub, key);
}

static struct hub_logs *
add_hub(struct logs *l, const char *hub)
{
    struct hub_logs *h = g_new0(struct hub_logs, 1);

    h->name = g_strdup(hub);
    g_mutex_lock(&l->lock);
    g_hash_table_insert(l->by_hub, g_ascii_strup(hub, -1), h);
    g_mutex_unlock(&l->lock);
    return h;
}

static void
install_tap(struct logs *l, const struct hub_logs *h)
{
    struct hub *hub = l->hubs ? hubs_find(l->hubs, h->name) : NULL;
    struct tap_config config = {.log = h->packet, .levels = h->levels, .n_captures = h->n_captures};

    if (!hub)
        return;
    for (unsigned i = 0; i < h->n_captures; i++)
        config.capture[i] = h->capture[i].capture;
    tap_install(hub, &config);
    hub_unref(hub);
}

static void
hub_logs_free(struct hub_logs *h)
{
    if (h->security)
        logger_close(h->security);
    tap_log_unref(h->packet);
    for (unsigned i = 0; i < h->n_captures; i++)
        capture_unref(h->capture[i].capture);
    g_free(h->name);
    g_free(h);
}

/* The hub is gone, and with it its tap. Its files stay. */
static void
remove_hub(struct logs *l, const char *hub)
{
    g_autofree char *key = g_ascii_strup(hub, -1);
    void *old_key = NULL;
    void *h = NULL;

    g_mutex_lock(&l->lock);
    (void)g_hash_table_steal_extended(l->by_hub, key, &old_key, &h);
    g_mutex_unlock(&l->lock);
    g_free(old_key);
    if (h)
        hub_logs_free(h);
}

static void
set_packet_log(struct logs *l, struct hub_logs *h, const struct log_rules *rules)
{
    if (!rules) {
        tap_log_unref(g_steal_pointer(&h->packet)); /* the tap holds it until it is replaced */
        return;
    }
    if (h->packet) {
        log_set_rules(tap_log_of(h->packet), rules);
    } else {
        g_autofree char *folder = log_hub_folder(h->name);
        g_autofree char *name = g_strconcat(folder, "/packet", NULL);
        h->packet = tap_log_new(logger_open(l->logger, name, rules, &packet_log_format));
    }
    log_set_forward(tap_log_of(h->packet), l->forward >= 3);
}

static void
apply_hub(struct logs *l, const char *hub)
{
    g_autoptr(record_t) r = log_config_hub(l->store, hub);
    struct hub_logs *h = find_hub(l, hub);
    g_autofree char *folder = log_hub_folder(hub);
    g_autofree char *name = g_strconcat(folder, "/security", NULL);

    if (!h)
        h = add_hub(l, hub);
    const struct log_rules security =
        rules_of(r, "SecurityLogSwitchType_u32", "SecurityLogKeepDays_u32",
                 "SecurityLogKeepMegabytes_u32", "LogMaxMegabytes_u32", l->compress);
    set_log(l, &h->security, name, record_bool(r, "SaveSecurityLog_bool") ? &security : NULL,
            l->forward >= 2);
    const struct log_rules packet =
        rules_of(r, "PacketLogSwitchType_u32", "PacketLogKeepDays_u32",
                 "PacketLogKeepMegabytes_u32", "LogMaxMegabytes_u32", l->compress);
    for (unsigned i = 0; i < PACKET_N_KINDS; i++)
        h->levels.of[i] = (uint8_t)record_u32_at(r, "PacketLogConfig_u32", i);
    set_packet_log(l, h, record_bool(r, "SavePacketLog_bool") ? &packet : NULL);
    install_tap(l, h);
}

static void
apply_all_hubs(struct logs *l)
{
    g_autoptr(GPtrArray) all = store_hubs(l->store);

    for (guint i = 0; i < all->len; i++)
        apply_hub(l, ((const struct store_hub *)g_ptr_array_index(all, i))->name);
}

void
logs_apply(struct logs *l, const char *hub)
{
    if (!hub) {
        apply_server(l);
        apply_all_hubs(l);
        return;
    }
    struct store_hub *stored = store_hub_get(l->store, hub);
    if (stored)
        apply_hub(l, stored->name);
    else
        remove_hub(l, hub);
    store_hub_free(stored);
}

void
logs_use_hubs(struct logs *l, struct hubs *hubs)
{
    l->hubs = hubs;
    apply_all_hubs(l);
}

void
logs_leave_hubs(struct logs *l)
{
    GHashTableIter it;
    void *h;

    g_hash_table_iter_init(&it, l->by_hub);
    while (l->hubs && g_hash_table_iter_next(&it, NULL, &h)) {
        struct hub *hub = hubs_find(l->hubs, ((struct hub_logs *)h)->name);
        if (!hub)
            continue;
        hub_set_tap(hub, NULL);
        hub_unref(hub);
    }
    l->hubs = NULL;
}

/* ---- captures ---- */

static void
drop_capture(struct logs *l, struct hub_logs *h, unsigned i)
{
    capture_unref(h->capture[i].capture);
    h->capture[i] = h->capture[--h->n_captures];
    install_tap(l, h);
}

static gboolean
on_sweep(gpointer data)
{
    struct logs *l = data;
    int64_t old_us = clock_now_us() - CAPTURE_IDLE_S * G_TIME_SPAN_SECOND;
    unsigned left = 0;
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, l->by_hub);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct hub_logs *h = value;
        for (unsigned i = h->n_captures; i > 0; i--) {
            if (h->capture[i - 1].fetched_us < old_us)
                drop_capture(l, h, i - 1);
        }
        left += h->n_captures;
    }
    if (left > 0)
        return G_SOURCE_CONTINUE;
    l->sweep = 0;
    return G_SOURCE_REMOVE;
}

static bool
begin_capture(struct logs *l, struct hub_logs *h, const struct rpc_capture *want, GError **error)
{
    if (h->n_captures == TAP_CAPTURES) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "hub '%s' has %d captures already", h->name,
                    TAP_CAPTURES);
        return false;
    }
    struct hub_capture *c = &h->capture[h->n_captures++];
    *c = (struct hub_capture){.capture = capture_new(want->session), .id = random_u32() | 1};
    install_tap(l, h);
    if (l->sweep == 0)
        l->sweep = g_timeout_add_seconds(SWEEP_S, on_sweep, l);
    return true;
}

static unsigned
find_capture(const struct hub_logs *h, uint32_t id)
{
    unsigned i = 0;

    while (i < h->n_captures && h->capture[i].id != id)
        i++;
    return i;
}

bool
logs_capture(struct logs *l, struct rpc_capture *want, GError **error)
{
    struct hub_logs *h = find_hub(l, want->hub);

    if (!h || !l->hubs) {
        g_set_error(error, PE_ERROR, PE_HUB_NOT_FOUND, "hub '%s' does not exist", want->hub);
        return false;
    }
    if (want->id == 0 && !begin_capture(l, h, want, error))
        return false;
    unsigned i = want->id == 0 ? h->n_captures - 1 : find_capture(h, want->id);
    if (i == h->n_captures) {
        g_set_error(error, PE_ERROR, PE_NOT_FOUND, "the capture has ended");
        return false;
    }
    struct hub_capture *c = &h->capture[i];
    c->fetched_us = clock_now_us();
    want->id = c->id;
    capture_read(c->capture, CAPTURE_PIECE, g_get_real_time(), want->bytes);
    want->lost = capture_lost(c->capture);
    if (want->stop)
        drop_capture(l, h, i);
    return true;
}

/* ---- status ---- */

void
logs_put_status(struct logs *l, struct record *out)
{
    g_autoptr(GArray) all = logger_states(l->logger);
    struct syslog_state s;
    bool alarm = false;

    for (guint i = 0; i < all->len; i++) {
        const struct log_state *state = &g_array_index(all, struct log_state, i);
        struct record *row = record_append(out, "LogList");
        record_set_text(row, "Name_str", state->name);
        record_set_u64(row, "Lines_u64", state->lines);
        record_set_u64(row, "Bytes_u64", state->bytes);
        record_set_u64(row, "Dropped_u64", state->lost_queue);
        record_set_u64(row, "Unwritten_u64", state->lost_file);
        record_set_bool(row, "Alarm_bool", state->failing);
        record_set_text(row, "Problem_utf", state->error);
        alarm |= state->failing;
    }
    syslog_get_state(l->syslog, &s);
    record_set_bool(out, "Alarm_bool", alarm || (s.on && s.error[0]));
    record_set_bool(out, "SyslogOn_bool", s.on);
    record_set_bool(out, "SyslogConnected_bool", s.connected);
    record_set_u64(out, "SyslogSent_u64", s.sent);
    record_set_u64(out, "SyslogDropped_u64", s.lost);
    record_set_u32(out, "SyslogQueued_u32", s.queued);
    record_set_text(out, "SyslogProblem_utf", s.error);
}

/* ---- life ---- */

struct logs *
logs_new(struct store *store, const char *folder, unsigned workers, GError **error)
{
    struct logs *l = g_new0(struct logs, 1);

    l->store = store;
    g_mutex_init(&l->lock);
    l->by_hub = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    l->logger = logger_new(folder, workers, error);
    l->syslog = l->logger ? syslog_new("polyether-server", error) : NULL;
    if (!l->syslog) {
        logs_free(l);
        return NULL;
    }
    logger_set_tee(l->logger, &(struct log_tee){.line = syslog_take, .owner = l->syslog});
    apply_server(l);
    l->sink = (struct log_sink){.line = on_line, .event = on_event, .owner = l};
    log_set_sink(&l->sink);
    return l;
}

void
logs_free(struct logs *l)
{
    GHashTableIter it;
    void *h;

    if (!l)
        return;
    log_set_sink(NULL);
    if (l->sweep)
        g_source_remove(l->sweep);
    g_hash_table_iter_init(&it, l->by_hub);
    while (g_hash_table_iter_next(&it, NULL, &h))
        hub_logs_free(h);
    g_hash_table_unref(l->by_hub);
    logger_free(l->logger); /* writes what is queued, and gives it to syslog */
    syslog_free(l->syslog);
    g_mutex_clear(&l->lock);
    g_free(l);
}

const char *
logs_folder(const struct logs *l)
{
    return logger_folder(l->logger);
}
