/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - see service.h.
 *
 * Each hub that somebody asked about has an entry, which stays: it is small, and there are few
 * hubs. An accounting request is a struct report from the event until a server has answered: at the
 * servers, or waiting for the next try. */

#include "core/auth/radius/service.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

#define US INT64_C(1000000)

enum { TICK_MS = 1000 };

struct site { /* a hub */
    struct radius_service *service;
    char *hub;
    bool loaded;
    struct radius_settings *settings; /* NULL: none */
    struct radius_net *logins, *reports;
    GQueue asking;  /* of struct login */
    GQueue waiting; /* of struct report, all of them; the oldest first */
    uint64_t lost;
    struct log_limit dead_log;
    struct trial { /* of one server, the last one */
        struct site *site;
        struct radius_net *net;
        int64_t begun_us;
        char result[96];
    } trials[RADIUS_SERVERS];
};

struct login {
    struct site *site;
    uint64_t ticket, number;
    struct radius_login *what;
};

struct report {
    struct site *site;
    uint64_t number; /* at the servers; 0: it waits */
    int64_t born_us, again_us;
    size_t len;
    uint8_t attributes[];
};

struct radius_service {
    const struct radius_service_ops *ops;
    void *owner;
    uint64_t boot;
    struct auth *auth;
    struct auth_backend backend;
    GHashTable *sites; /* by the hub's name in lower case */
    struct radius_sessions *sessions;
    guint tick; /* GSource; 0: none */
};

void
radius_settings_free(struct radius_settings *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++)
        g_free(s->servers[i].host);
    g_free(s->nas_identifier);
    secret_wipe(s, sizeof(*s));
    g_free(s);
}

/* ---- sites ---- */

static struct radius_net *
make_net(const struct radius_settings *s, bool accounting)
{
    struct radius_net_server servers[RADIUS_SERVERS];
    unsigned n = 0;

    for (unsigned i = 0; i < s->n; i++) {
        uint16_t port = accounting ? s->servers[i].accounting_port : s->servers[i].port;
        if (port == 0)
            continue;
        servers[n++] = (struct radius_net_server){
            .host = s->servers[i].host,
            .port = port,
            .config = {.secret = s->servers[i].secret,
                       .require_authenticator = s->require_authenticator}};
    }
    struct radius_net *net = n == 0 ? NULL
                                    : radius_net_new(servers, n, s->interval_ms * INT64_C(1000),
                                                     s->timeout_ms * INT64_C(1000));
    secret_wipe(servers, sizeof(servers));
    return net;
}

static void
load(struct site *site)
{
    if (site->loaded)
        return;
    site->loaded = true;
    site->settings = site->service->ops->settings(site->service->owner, site->hub);
    if (!site->settings)
        return;
    site->logins = make_net(site->settings, false);
    if (site->settings->accounting)
        site->reports = make_net(site->settings, true);
}

static struct site *
find_site(struct radius_service *s, const char *hub, bool make)
{
    g_autofree char *key = g_ascii_strdown(hub, -1);
    struct site *site = g_hash_table_lookup(s->sites, key);

    if (site || !make)
        return site;
    site = g_new0(struct site, 1);
    site->service = s;
    site->hub = g_strdup(hub);
    g_queue_init(&site->asking);
    g_queue_init(&site->waiting);
    g_hash_table_insert(s->sites, g_steal_pointer(&key), site);
    return site;
}

static void
say(struct login *l, const struct radius_reply *reply)
{
    struct radius_service *s = l->site->service;
    struct auth_answer answer;

    radius_login_answer(l->what, reply, &answer);
    if (answer.says == AUTH_SAYS_YES) {
        const struct radius_settings *settings = l->site->settings;
        struct radius_session_config config = {.account = l->ticket,
                                               .login = l->what,
                                               .answer = &answer,
                                               .report = l->site->reports != NULL,
                                               .interim_s = settings ? settings->interim_s : 0};
        radius_sessions_add(s->sessions, &config, clock_now_us());
    }
    auth_backend_answer(s->auth, l->ticket, &answer);
    auth_answer_clear(&answer);
}

static void
login_free(struct login *l)
{
    (void)g_queue_remove(&l->site->asking, l);
    radius_login_free(l->what);
    g_free(l);
}

static void
end_trials(struct site *site)
{
    for (unsigned i = 0; i < RADIUS_SERVERS; i++) {
        g_clear_pointer(&site->trials[i].net, radius_net_free);
        site->trials[i].result[0] = '\0';
    }
}

/* Off its servers; what waits for them is told, or waits for the next ones. */
static void
unload(struct site *site)
{
    end_trials(site);
    g_clear_pointer(&site->logins, radius_net_free);
    g_clear_pointer(&site->reports, radius_net_free);
    g_clear_pointer(&site->settings, radius_settings_free);
    site->loaded = false;
    while (site->asking.head) {
        struct login *l = site->asking.head->data;
        say(l, NULL);
        login_free(l);
    }
    for (GList *i = site->waiting.head; i; i = i->next) {
        struct report *r = i->data;
        r->number = 0;
    }
}

static void
site_free(gpointer data)
{
    struct site *site = data;

    unload(site);
    g_queue_clear_full(&site->waiting, g_free);
    g_free(site->hub);
    g_free(site);
}

void
radius_service_changed(struct radius_service *s, const char *hub)
{
    struct site *site = find_site(s, hub, true);

    unload(site);
    load(site); /* at once: who may send CoA requests depends on it */
}

/* ---- logins ---- */

static void
build_login(void *owner, struct writer *w, const struct radius_secret *secret,
            const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    const struct login *l = owner;

    radius_login_build(l->what, w, secret, authenticator);
}

static void
on_login_done(void *owner, const struct radius_reply *reply, int64_t now_us)
{
    struct login *l = owner;
    unsigned left_out = 0;

    if (!reply && log_limit_pass(&l->site->dead_log, 1, now_us, &left_out))
        log_warning("no RADIUS server of the hub answers", "hub=%s left_out=%u", l->site->hub,
                    left_out);
    say(l, reply);
    login_free(l);
}

static void
refuse(struct radius_service *s, uint64_t ticket, const char *reason)
{
    const struct auth_answer answer = {.says = AUTH_SAYS_NOTHING, .reason = reason};

    auth_backend_answer(s->auth, ticket, &answer);
}

static void
on_ask(void *owner, const struct auth_question *q)
{
    struct radius_service *s = owner;
    struct site *site = find_site(s, q->request->hub, true);

    load(site);
    if (!site->logins) {
        refuse(s, q->ticket, "the hub has no RADIUS server");
        return;
    }
    struct login *l = g_new0(struct login, 1);
    l->site = site;
    l->ticket = q->ticket;
    l->what = radius_login_new(q, site->settings->nas_identifier, s->boot);
    g_queue_push_tail(&site->asking, l);
    struct radius_ask ask = {
        .code = RADIUS_ACCESS_REQUEST, .build = build_login, .done = on_login_done, .owner = l};
    l->number = radius_net_ask(site->logins, &ask);
    if (l->number == 0) {
        login_free(l);
        refuse(s, q->ticket,
               "too many logins wait for the RADIUS servers, or the name or password "
               "is too long for them");
    }
}

static void
on_forget(void *owner, uint64_t ticket)
{
    struct radius_service *s = owner;
    GHashTableIter it;
    gpointer value;

    g_hash_table_iter_init(&it, s->sites);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct site *site = value;
        for (GList *i = site->asking.head; i; i = i->next) {
            struct login *l = i->data;
            if (l->ticket != ticket)
                continue;
            radius_net_cancel(site->logins, l->number);
            login_free(l);
            return;
        }
    }
}

/* ---- accounting ---- */

static void
build_report(void *owner, struct writer *w, const struct radius_secret *secret,
             const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    const struct report *r = owner;

    (void)secret;
    (void)authenticator;
    writer_bytes(w, r->attributes, r->len);
}

static void
drop_report(struct report *r)
{
    struct site *site = r->site;

    if (r->number && site->reports)
        radius_net_cancel(site->reports, r->number);
    (void)g_queue_remove(&site->waiting, r);
    g_free(r);
}

static void
on_report_done(void *owner, const struct radius_reply *reply, int64_t now_us)
{
    struct report *r = owner;

    r->number = 0;
    r->again_us = now_us + RADIUS_REPORT_AGAIN_S * US;
    if (reply)
        drop_report(r);
}

static void
send_report(struct report *r, int64_t now_us)
{
    const struct radius_ask ask = {.code = RADIUS_ACCOUNTING_REQUEST,
                                   .build = build_report,
                                   .done = on_report_done,
                                   .owner = r};

    r->again_us = now_us + RADIUS_REPORT_AGAIN_S * US;
    r->number = r->site->reports ? radius_net_ask(r->site->reports, &ask) : 0;
}

static void
on_report(void *owner, const char *hub, struct reader attributes, bool last)
{
    struct radius_service *s = owner;
    struct site *site = find_site(s, hub, true);
    struct report *r = g_malloc0(sizeof(*r) + attributes.left);

    (void)last;
    if (site->waiting.length >= RADIUS_REPORTS) {
        site->lost++;
        drop_report(g_queue_peek_head(&site->waiting));
    }
    r->site = site;
    r->born_us = clock_now_us();
    r->len = attributes.left;
    memcpy(r->attributes, attributes.at, attributes.left);
    g_queue_push_tail(&site->waiting, r);
    load(site);
    send_report(r, r->born_us);
}

/* Those that no server has taken, once more. */
static void
send_waiting(struct site *site, int64_t now_us)
{
    GList *next = NULL;

    for (GList *i = site->waiting.head; i; i = next) {
        struct report *r = i->data;
        next = i->next;
        if (now_us - r->born_us >= RADIUS_REPORT_LIFE_S * US) {
            site->lost++;
            drop_report(r);
        } else if (r->number == 0 && now_us >= r->again_us) {
            send_report(r, now_us);
        }
    }
}

static gboolean
on_tick(gpointer data)
{
    struct radius_service *s = data;
    GHashTableIter it;
    gpointer value;
    int64_t now_us = clock_now_us();

    radius_sessions_tick(s->sessions, now_us, clock_wall_ms() / 1000);
    g_hash_table_iter_init(&it, s->sites);
    while (g_hash_table_iter_next(&it, NULL, &value))
        send_waiting(value, now_us);
    return G_SOURCE_CONTINUE;
}

void
radius_service_started(struct radius_service *s, uint64_t account, const struct ip *address)
{
    radius_sessions_started(s->sessions, account, address, clock_now_us(), clock_wall_ms() / 1000);
}

void
radius_service_ended(struct radius_service *s, uint64_t account,
                     const struct radius_counters *counters, enum radius_cause cause)
{
    radius_sessions_ended(s->sessions, account, counters, cause, clock_now_us(),
                          clock_wall_ms() / 1000);
}

static bool
on_counters(void *owner, uint64_t account, struct radius_counters *out)
{
    const struct radius_service *s = owner;

    return s->ops->counters(s->owner, account, out);
}

static void
on_stop(void *owner, uint64_t account)
{
    const struct radius_service *s = owner;

    s->ops->stop(s->owner, account);
}

static bool
on_limit(void *owner, uint64_t account, uint32_t max_upload, uint32_t max_download)
{
    const struct radius_service *s = owner;

    return s->ops->limit && s->ops->limit(s->owner, account, max_upload, max_download);
}

static const struct radius_sessions_ops sessions_ops = {
    .counters = on_counters, .stop = on_stop, .limit = on_limit, .report = on_report};

/* ---- CoA and Disconnect ---- */

struct radius_sessions *
radius_service_sessions(struct radius_service *s)
{
    return s->sessions;
}

static bool
site_knows(const struct site *site, const struct ip *from, struct radius_peer *out)
{
    if (!site->settings || !site->settings->coa)
        return false;
    for (unsigned i = 0; i < site->settings->n; i++) {
        struct endpoint address = radius_net_address(site->logins, i);
        if (address.ip.family == 0 || !ip_equal(&address.ip, from))
            continue;
        *out = (struct radius_peer){.hub = site->hub, .secret = &site->settings->servers[i].secret};
        return true;
    }
    return false;
}

bool
radius_service_peer(struct radius_service *s, const struct ip *from, unsigned i,
                    struct radius_peer *out)
{
    GHashTableIter it;
    gpointer value;

    g_hash_table_iter_init(&it, s->sites);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        if (site_knows(value, from, out) && i-- == 0)
            return true;
    }
    return false;
}

/* ---- what is seen from outside ---- */

bool
radius_service_stats(struct radius_service *s, const char *hub, unsigned server, bool accounting,
                     struct radius_server_stats *out)
{
    struct site *site = find_site(s, hub, true);

    load(site);
    const struct radius_net *net = accounting ? site->reports : site->logins;
    if (!net || server >= site->settings->n)
        return false;
    radius_net_get_stats(net, server, out);
    return true;
}

static void
build_trial(void *owner, struct writer *w, const struct radius_secret *secret,
            const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    const struct trial *t = owner;
    const struct radius_settings *settings = t->site->settings;

    (void)secret;
    (void)authenticator;
    radius_put_text(w, RADIUS_NAS_IDENTIFIER,
                    settings->nas_identifier ? settings->nas_identifier : t->site->hub);
}

/* The net stays until the next trial: it is the one that calls. */
static void
on_trial_done(void *owner, const struct radius_reply *reply, int64_t now_us)
{
    struct trial *t = owner;
    struct radius_server_stats stats;
    const char *why = "it does not answer: address, port, or it does not know this client";

    struct reader value;

    radius_net_get_stats(t->net, 0, &stats);
    if (reply)
        g_snprintf(t->result, sizeof(t->result), "it answers, after %" G_GINT64_FORMAT " ms%s",
                   (now_us - t->begun_us) / 1000,
                   radius_find(reply->packet, RADIUS_MESSAGE_AUTHENTICATOR, &value)
                       ? ""
                       : "; to this without Message-Authenticator");
    else if (stats.forged > 0)
        why = "its answers are not signed with this secret";
    if (!reply)
        g_strlcpy(t->result, why, sizeof(t->result));
}

void
radius_service_test(struct radius_service *s, const char *hub)
{
    struct site *site = find_site(s, hub, true);
    const struct radius_settings *settings;

    load(site);
    end_trials(site);
    settings = site->settings;
    for (unsigned i = 0; settings && i < settings->n; i++) {
        struct trial *t = &site->trials[i];
        const struct radius_ask ask = {
            .code = RADIUS_STATUS_SERVER, .build = build_trial, .done = on_trial_done, .owner = t};
        const struct radius_net_server server = {
            .host = settings->servers[i].host,
            .port = settings->servers[i].port,
            .config = {.secret = settings->servers[i].secret,
                       .require_authenticator = settings->require_authenticator}};
        t->site = site;
        t->begun_us = clock_now_us();
        g_strlcpy(t->result, "it is being asked", sizeof(t->result));
        t->net = radius_net_new(&server, 1, settings->interval_ms * INT64_C(1000),
                                settings->timeout_ms * INT64_C(1000));
        (void)radius_net_ask(t->net, &ask); /* to one server with nothing under way: it can be */
    }
}

const char *
radius_service_test_result(struct radius_service *s, const char *hub, unsigned server)
{
    const struct site *site = find_site(s, hub, false);

    return site && server < RADIUS_SERVERS ? site->trials[server].result : "";
}

void
radius_service_reports(struct radius_service *s, const char *hub, unsigned *waiting, uint64_t *lost)
{
    const struct site *site = find_site(s, hub, false);

    *waiting = site ? site->waiting.length : 0;
    *lost = site ? site->lost : 0;
}

/* ---- life ---- */

struct radius_service *
radius_service_new(const struct radius_service_ops *ops, void *owner, uint64_t boot)
{
    struct radius_service *s = g_new0(struct radius_service, 1);

    s->ops = ops;
    s->owner = owner;
    s->boot = boot;
    s->sites = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, site_free);
    s->sessions = radius_sessions_new(&sessions_ops, s);
    s->backend =
        (struct auth_backend){.name = "RADIUS", .owner = s, .ask = on_ask, .forget = on_forget};
    s->tick = g_timeout_add(TICK_MS, on_tick, s);
    return s;
}

const struct auth_backend *
radius_service_backend(struct radius_service *s, struct auth *auth)
{
    s->auth = auth;
    return &s->backend;
}

void
radius_service_free(struct radius_service *s)
{
    if (!s)
        return;
    g_source_remove(s->tick);
    g_hash_table_destroy(s->sites);
    radius_sessions_free(s->sessions);
    g_free(s);
}
