/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - see sessions.h. Its own limit of time is looked at here although the hub's policy
 * may have one, since a server may change it while the session lasts. */

#include "core/auth/radius/sessions.h"

#include "core/base/types.h"

#include <string.h>

#define US INT64_C(1000000)

enum status { STATUS_START = 1, STATUS_STOP = 2, STATUS_INTERIM = 3 };
enum { AUTHENTIC_RADIUS = 1, PORT_VIRTUAL = 5, SERVICE_FRAMED = 2, FRAMED_PPP = 1 };

struct entry {
    uint64_t account; /* the key */
    char *hub, *user, *nas_identifier;
    char id[RADIUS_SESSION_ID];
    GBytes *class_; /* or NULL */
    struct ip peer, address;
    bool report, started, stopping;
    enum radius_cause cause; /* when stopping */
    int64_t forget_us;       /* when it has not started by then */
    int64_t started_us;
    uint32_t interim_s, session_s, idle_s;
    int64_t interim_us, end_us, look_us; /* when; 0: never */
    uint64_t seen_bytes;
    int64_t busy_us; /* when bytes were seen last */
};

struct radius_sessions {
    const struct radius_sessions_ops *ops;
    void *owner;
    GHashTable *entries;
};

static void
entry_free(gpointer data)
{
    struct entry *e = data;

    g_free(e->hub);
    g_free(e->user);
    g_free(e->nas_identifier);
    g_clear_pointer(&e->class_, g_bytes_unref);
    g_free(e);
}

struct radius_sessions *
radius_sessions_new(const struct radius_sessions_ops *ops, void *owner)
{
    struct radius_sessions *s = g_new0(struct radius_sessions, 1);

    s->ops = ops;
    s->owner = owner;
    s->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    return s;
}

void
radius_sessions_free(struct radius_sessions *s)
{
    if (!s)
        return;
    g_hash_table_destroy(s->entries);
    g_free(s);
}

static struct entry *
find(const struct radius_sessions *s, uint64_t account)
{
    return g_hash_table_lookup(s->entries, &account);
}

/* ---- reports ---- */

static void
put_u64(struct writer *w, enum radius_attr low, enum radius_attr high, uint64_t n)
{
    radius_put_u32(w, low, (uint32_t)n);
    radius_put_u32(w, high, (uint32_t)(n >> 32));
}

static void
put_counters(struct writer *w, const struct radius_counters *c)
{
    put_u64(w, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS, c->in_bytes);
    put_u64(w, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS, c->out_bytes);
    radius_put_u32(w, RADIUS_ACCT_INPUT_PACKETS, (uint32_t)c->in_frames);
    radius_put_u32(w, RADIUS_ACCT_OUTPUT_PACKETS, (uint32_t)c->out_frames);
}

static void
put_address(struct writer *w, const struct ip *ip)
{
    if (ip->family == 4)
        radius_put(w, RADIUS_FRAMED_IP_ADDRESS, ip->b, 4);
    else if (ip->family == 6)
        radius_put(w, RADIUS_FRAMED_IPV6_ADDRESS, ip->b, 16);
}

static void
report(struct radius_sessions *s, const struct entry *e, enum status status,
       const struct radius_counters *counters, int64_t now_us, int64_t wall_s)
{
    uint8_t bytes[RADIUS_REPORT_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    char peer[IP_TEXT];
    gsize len = 0;
    const void *class_ = e->class_ ? g_bytes_get_data(e->class_, &len) : NULL;

    if (!e->report)
        return;
    radius_put_u32(&w, RADIUS_ACCT_STATUS_TYPE, status);
    radius_put_text(&w, RADIUS_ACCT_SESSION_ID, e->id);
    radius_put_text(&w, RADIUS_USER_NAME, e->user);
    radius_put_text(&w, RADIUS_NAS_IDENTIFIER, e->nas_identifier);
    radius_put_u32(&w, RADIUS_NAS_PORT_TYPE, PORT_VIRTUAL);
    radius_put_u32(&w, RADIUS_SERVICE_TYPE, SERVICE_FRAMED);
    radius_put_u32(&w, RADIUS_FRAMED_PROTOCOL, FRAMED_PPP);
    radius_put_u32(&w, RADIUS_ACCT_AUTHENTIC, AUTHENTIC_RADIUS);
    radius_put_text(&w, RADIUS_CALLED_STATION_ID, e->hub);
    radius_put_text(&w, RADIUS_CALLING_STATION_ID, ip_print(&e->peer, peer));
    if (len > 0)
        radius_put(&w, RADIUS_CLASS, class_, len);
    put_address(&w, &e->address);
    radius_put_u32(&w, RADIUS_EVENT_TIMESTAMP, (uint32_t)wall_s);
    if (counters) {
        radius_put_u32(&w, RADIUS_ACCT_SESSION_TIME, (uint32_t)((now_us - e->started_us) / US));
        put_counters(&w, counters);
    }
    if (status == STATUS_STOP)
        radius_put_u32(&w, RADIUS_ACCT_TERMINATE_CAUSE, e->cause);
    if (writer_ok(&w))
        s->ops->report(s->owner, e->hub, reader_of(bytes, w.len), status == STATUS_STOP);
}

/* ---- from login to end ---- */

void
radius_sessions_add(struct radius_sessions *s, const struct radius_session_config *config,
                    int64_t now_us)
{
    const struct radius_login *login = config->login;
    const struct auth_answer *a = config->answer;

    if (g_hash_table_size(s->entries) >= RADIUS_SESSIONS)
        return;
    struct entry *e = g_new0(struct entry, 1);
    e->account = config->account;
    e->hub = g_strdup(login->hub);
    e->user = g_strdup(login->user);
    e->nas_identifier = g_strdup(login->nas_identifier);
    memcpy(e->id, login->session, sizeof(e->id));
    e->peer = login->peer.ip;
    e->address = a->address.ip4.ip.family ? a->address.ip4.ip : a->address.ip6.ip;
    e->class_ = a->class_ ? g_bytes_ref(a->class_) : NULL;
    e->report = config->report;
    e->interim_s = a->interim_s ? a->interim_s : config->interim_s;
    e->session_s = a->session_s;
    e->idle_s = a->idle_s;
    e->forget_us = now_us + RADIUS_START_S * US;
    g_hash_table_replace(s->entries, &e->account, e);
}

void
radius_sessions_started(struct radius_sessions *s, uint64_t account, const struct ip *address,
                        int64_t now_us, int64_t wall_s)
{
    struct entry *e = find(s, account);

    if (!e || e->started)
        return;
    e->started = true;
    e->started_us = e->busy_us = now_us;
    if (address->family)
        e->address = *address;
    e->interim_us = e->interim_s && e->report ? now_us + e->interim_s * US : 0;
    e->end_us = e->session_s ? now_us + e->session_s * US : 0;
    e->look_us = e->idle_s ? now_us + RADIUS_USAGE_S * US : 0;
    report(s, e, STATUS_START, NULL, now_us, wall_s);
}

void
radius_sessions_ended(struct radius_sessions *s, uint64_t account,
                      const struct radius_counters *counters, enum radius_cause cause,
                      int64_t now_us, int64_t wall_s)
{
    struct entry *e = find(s, account);

    if (!e)
        return;
    if (!e->stopping)
        e->cause = cause;
    if (e->started)
        report(s, e, STATUS_STOP, counters, now_us, wall_s);
    g_hash_table_remove(s->entries, &account);
}

/* ---- time ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 ? a : MIN(a, b);
}

static int64_t
due_of(const struct entry *e)
{
    if (!e->started)
        return e->forget_us;
    if (e->stopping)
        return e->interim_us;
    return sooner(e->interim_us, sooner(e->end_us, e->look_us));
}

void
radius_sessions_stop(struct radius_sessions *s, uint64_t account, enum radius_cause cause)
{
    struct entry *e = find(s, account);

    if (!e || e->stopping)
        return;
    e->stopping = true;
    e->cause = cause;
    s->ops->stop(s->owner, account);
}

static void
look(struct entry *e, const struct radius_counters *c, int64_t now_us)
{
    uint64_t bytes = c->in_bytes + c->out_bytes;

    if (bytes != e->seen_bytes)
        e->busy_us = now_us;
    e->seen_bytes = bytes;
    e->look_us = now_us + RADIUS_USAGE_S * US;
}

static void
act(struct radius_sessions *s, struct entry *e, int64_t now_us, int64_t wall_s)
{
    struct radius_counters c = {0};
    bool has = s->ops->counters(s->owner, e->account, &c);

    if (e->interim_us && now_us >= e->interim_us) {
        e->interim_us = now_us + e->interim_s * US;
        if (has)
            report(s, e, STATUS_INTERIM, &c, now_us, wall_s);
    }
    if (e->look_us && now_us >= e->look_us)
        look(e, &c, now_us);
    if (e->end_us && now_us >= e->end_us) {
        e->end_us = 0;
        radius_sessions_stop(s, e->account, RADIUS_SESSION_TIMEOUT_OVER);
    } else if (e->idle_s && now_us - e->busy_us >= e->idle_s * US) {
        radius_sessions_stop(s, e->account, RADIUS_IDLE_TIMEOUT_OVER);
    }
}

void
radius_sessions_tick(struct radius_sessions *s, int64_t now_us, int64_t wall_s)
{
    GHashTableIter it;
    gpointer value;

    g_hash_table_iter_init(&it, s->entries);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct entry *e = value;
        int64_t due_us = due_of(e);
        if (due_us == 0 || now_us < due_us)
            continue;
        if (e->started)
            act(s, e, now_us, wall_s);
        else
            g_hash_table_iter_remove(&it);
    }
}

int64_t
radius_sessions_deadline(const struct radius_sessions *s)
{
    GHashTableIter it;
    gpointer value;
    int64_t first = 0;

    g_hash_table_iter_init(&it, s->entries);
    while (g_hash_table_iter_next(&it, NULL, &value))
        first = sooner(first, due_of(value));
    return first;
}

unsigned
radius_sessions_count(const struct radius_sessions *s)
{
    return g_hash_table_size(s->entries);
}

/* ---- for CoA and Disconnect ---- */

static bool
is_meant(const struct entry *e, const char *hub, const struct radius_whom *whom)
{
    char peer[IP_TEXT];

    return e->started && !e->stopping && g_ascii_strcasecmp(e->hub, hub) == 0 &&
           (!whom->session[0] || strcmp(whom->session, e->id) == 0) &&
           (!whom->user[0] || g_ascii_strcasecmp(whom->user, e->user) == 0) &&
           (!whom->calling[0] || strcmp(whom->calling, ip_print(&e->peer, peer)) == 0);
}

GArray *
radius_sessions_find(const struct radius_sessions *s, const char *hub,
                     const struct radius_whom *whom)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    GHashTableIter it;
    gpointer value;

    g_hash_table_iter_init(&it, s->entries);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        const struct entry *e = value;
        if (is_meant(e, hub, whom))
            g_array_append_val(found, e->account);
    }
    return found;
}

void
radius_sessions_set_timeout(struct radius_sessions *s, uint64_t account, uint32_t session_s,
                            int64_t now_us)
{
    struct entry *e = find(s, account);

    if (e)
        e->end_us = session_s ? now_us + session_s * US : 0;
}

void
radius_sessions_set_idle(struct radius_sessions *s, uint64_t account, uint32_t idle_s,
                         int64_t now_us)
{
    struct entry *e = find(s, account);

    if (!e)
        return;
    e->idle_s = idle_s;
    e->busy_us = now_us;
    e->look_us = idle_s ? now_us + RADIUS_USAGE_S * US : 0;
}

bool
radius_sessions_limit(struct radius_sessions *s, uint64_t account, uint32_t max_upload,
                      uint32_t max_download)
{
    return s->ops->limit && s->ops->limit(s->owner, account, max_upload, max_download);
}
