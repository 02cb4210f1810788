/* SPDX-License-Identifier: Apache-2.0 */
/* test-radius-client.c - who asks RADIUS servers, in simulated time: repeats, fail-over and the way
 * back, forged and late replies, ids, limits, cancels; and the machine of sessions. */

#include "core/auth/radius/client.h"
#include "core/auth/radius/sessions.h"
#include "core/base/types.h"

#include <glib.h>

#include <string.h>

#define S INT64_C(1000000)

static const struct radius_secret secret = {.bytes = "secret", .len = 6};
static const struct radius_secret other = {.bytes = "wrong", .len = 5};

struct lab {
    struct radius_client *client;
    int64_t now_us;
    struct {
        unsigned sent;
        uint8_t bytes[RADIUS_PACKET_MAX]; /* the last one */
        size_t len;
    } server[RADIUS_SERVERS];
    unsigned n_done, n_none;
    uint8_t code;
    unsigned from;
    uint8_t counter;
};

static void
assert_same(const void *a, size_t n, const void *b, size_t m)
{
    g_assert_cmpuint(n, ==, m);
    g_assert_true(memcmp(a, b, n) == 0);
}

static void
on_send(void *owner, unsigned server, const void *bytes, size_t len)
{
    struct lab *lab = owner;

    lab->server[server].sent++;
    memcpy(lab->server[server].bytes, bytes, len);
    lab->server[server].len = len;
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct lab *lab = owner;

    memset(out, ++lab->counter, n);
}

static const struct radius_client_ops ops = {.send = on_send, .random = on_random};

static void
setup(struct lab *lab, unsigned n)
{
    struct radius_client_config config = {.n = n, .interval_us = 3 * S, .timeout_us = 9 * S};

    *lab = (struct lab){.now_us = 100 * S};
    for (unsigned i = 0; i < n; i++)
        config.servers[i] =
            (struct radius_server_config){.secret = secret, .require_authenticator = true};
    lab->client = radius_client_new(&config, &ops, lab);
}

static void
build(void *owner, struct writer *w, const struct radius_secret *s, const uint8_t *authenticator)
{
    (void)owner;
    radius_put_text(w, RADIUS_USER_NAME, "anna");
    radius_put_password(w, "geheim", 6, s, authenticator);
}

static void
done(void *owner, const struct radius_reply *reply, int64_t now_us)
{
    struct lab *lab = owner;

    g_assert_cmpint(now_us, ==, lab->now_us);
    lab->n_done++;
    lab->n_none += reply == NULL;
    lab->code = reply ? reply->packet->code : 0;
    lab->from = reply ? reply->server : 99;
}

static uint64_t
ask(struct lab *lab)
{
    const struct radius_ask a = {
        .code = RADIUS_ACCESS_REQUEST, .build = build, .done = done, .owner = lab};

    return radius_client_ask(lab->client, &a, lab->now_us);
}

static void
advance(struct lab *lab, int64_t us)
{
    int64_t end = lab->now_us + us;

    for (;;) {
        int64_t due = radius_client_deadline(lab->client);
        if (due == 0 || due > end)
            break;
        lab->now_us = MAX(due, lab->now_us);
        radius_client_tick(lab->client, lab->now_us);
    }
    lab->now_us = end;
}

enum way { RIGHT, BARE, FORGED, OTHER_ID, ODD_CODE, STALE };

static void
reply(struct lab *lab, unsigned server, enum way way)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct radius_packet request;
    uint8_t authenticator[RADIUS_AUTHENTICATOR];

    g_assert_true(
        radius_parse(reader_of(lab->server[server].bytes, lab->server[server].len), &request));
    memcpy(authenticator, request.authenticator, sizeof(authenticator));
    if (way == STALE)
        authenticator[0] ^= 1;
    radius_begin(&w, way == ODD_CODE ? RADIUS_COA_ACK : RADIUS_ACCESS_ACCEPT,
                 way == OTHER_ID ? request.id + 1 : request.id, authenticator);
    if (way == BARE)
        bytes[RADIUS_HEAD] = RADIUS_REPLY_MESSAGE; /* 16 bytes of text */
    if (way == BARE) {
        /* Sealed by hand: only the MD5. */
        uint8_t *end = bytes + w.len;
        struct radius_packet check;
        GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
        gsize n = 16;
        bytes[2] = 0;
        bytes[3] = (uint8_t)w.len;
        memcpy(end, "secret", 6);
        g_checksum_update(sum, bytes, (gssize)(w.len + 6));
        g_checksum_get_digest(sum, bytes + 4, &n);
        g_checksum_free(sum);
        g_assert_true(radius_parse(reader_of(bytes, w.len), &check));
    } else {
        g_assert_true(radius_seal_reply(&w, way == FORGED ? &other : &secret, authenticator));
    }
    radius_client_receive(lab->client, server, reader_of(bytes, w.len), lab->now_us);
}

static struct radius_server_stats
stats(const struct lab *lab, unsigned server)
{
    struct radius_server_stats s;

    radius_client_get_stats(lab->client, server, lab->now_us, &s);
    return s;
}

static void
test_answer(void)
{
    struct lab lab;

    setup(&lab, 2);
    g_assert_cmpint(radius_client_deadline(lab.client), ==, 0);
    ask(&lab);
    g_assert_cmpuint(lab.server[0].sent, ==, 1);
    g_assert_cmpuint(lab.server[0].bytes[RADIUS_HEAD], ==, RADIUS_MESSAGE_AUTHENTICATOR);
    reply(&lab, 0, RIGHT);
    g_assert_cmpuint(lab.n_done, ==, 1);
    g_assert_cmpuint(lab.code, ==, RADIUS_ACCESS_ACCEPT);
    g_assert_cmpint(radius_client_deadline(lab.client), ==, 0);
    reply(&lab, 0, RIGHT); /* once more: for no request */
    g_assert_cmpuint(lab.n_done, ==, 1);
    g_assert_cmpuint(stats(&lab, 0).strange, ==, 1);
    radius_client_free(lab.client);
}

/* What is wrong is counted, and the right one still comes. */
static void
test_forged(void)
{
    struct lab lab;

    setup(&lab, 2);
    ask(&lab);
    reply(&lab, 0, FORGED);
    reply(&lab, 0, STALE);
    reply(&lab, 0, BARE);
    reply(&lab, 0, OTHER_ID);
    reply(&lab, 0, ODD_CODE);
    radius_client_receive(lab.client, 0, reader_of("x", 1), lab.now_us);
    radius_client_receive(lab.client, 7, reader_of("x", 1), lab.now_us);
    g_assert_cmpuint(lab.n_done, ==, 0);
    g_assert_cmpuint(stats(&lab, 0).forged, ==, 2);
    g_assert_cmpuint(stats(&lab, 0).bare, ==, 1);
    g_assert_cmpuint(stats(&lab, 0).strange, ==, 3);
    /* From another server than was asked. */
    memcpy(lab.server[1].bytes, lab.server[0].bytes, lab.server[0].len);
    lab.server[1].len = lab.server[0].len;
    reply(&lab, 1, RIGHT);
    g_assert_cmpuint(lab.n_done, ==, 0);
    reply(&lab, 0, RIGHT);
    g_assert_cmpuint(lab.n_done, ==, 1);
    radius_client_free(lab.client);
}

static void
test_fail_over(void)
{
    struct lab lab;
    uint8_t first[RADIUS_PACKET_MAX];

    setup(&lab, 2);
    ask(&lab);
    memcpy(first, lab.server[0].bytes, lab.server[0].len);
    advance(&lab, 8 * S);
    g_assert_cmpuint(lab.server[0].sent, ==, 3);
    assert_same(first, lab.server[0].len, lab.server[0].bytes, lab.server[0].len); /* the same */
    g_assert_cmpuint(lab.server[1].sent, ==, 0);
    advance(&lab, 2 * S);
    g_assert_cmpuint(lab.server[0].sent, ==, 3);
    g_assert_cmpuint(lab.server[1].sent, ==, 1);
    g_assert_true(stats(&lab, 0).dead);
    g_assert_cmpuint(stats(&lab, 0).timeouts, ==, 1);
    reply(&lab, 0, RIGHT); /* too late: it has gone to the next */
    g_assert_cmpuint(lab.n_done, ==, 0);
    reply(&lab, 1, RIGHT);
    g_assert_cmpuint(lab.from, ==, 1);

    ask(&lab); /* begins at the one that lives */
    g_assert_cmpuint(lab.server[0].sent, ==, 3);
    reply(&lab, 1, RIGHT);
    advance(&lab, RADIUS_DEAD_S * S);
    ask(&lab); /* the first one is tried again */
    g_assert_cmpuint(lab.server[0].sent, ==, 4);
    reply(&lab, 0, RIGHT);
    g_assert_cmpuint(lab.n_done, ==, 3);

    /* All are dead: all are tried, and then nobody has answered. */
    ask(&lab);
    advance(&lab, 18 * S);
    g_assert_cmpuint(lab.n_done, ==, 4);
    g_assert_cmpuint(lab.n_none, ==, 1);
    ask(&lab);
    advance(&lab, 18 * S);
    g_assert_cmpuint(lab.n_none, ==, 2);
    ask(&lab);
    reply(&lab, 0, RIGHT); /* dead, and answers all the same: it is back */
    g_assert_cmpuint(lab.n_done, ==, 6);
    g_assert_false(stats(&lab, 0).dead);
    radius_client_free(lab.client);
}

static void
test_ids(void)
{
    struct lab lab;
    uint64_t some = 0;

    setup(&lab, 1);
    for (unsigned i = 0; i < RADIUS_IDS; i++) {
        uint64_t number = ask(&lab);
        g_assert_cmpuint(number, !=, 0);
        some = i == 100 ? number : some;
    }
    g_assert_cmpuint(ask(&lab), ==, 0); /* no id is free */
    g_assert_cmpuint(lab.n_done, ==, 0);
    radius_client_cancel(lab.client, some);
    radius_client_cancel(lab.client, some);
    g_assert_cmpuint(ask(&lab), !=, 0);
    reply(&lab, 0, RIGHT);
    g_assert_cmpuint(lab.n_done, ==, 1);
    g_assert_cmpuint(radius_client_pending(lab.client), ==, RADIUS_IDS - 1);
    radius_client_free(lab.client); /* nobody is told */
    g_assert_cmpuint(lab.n_done, ==, 1);

    setup(&lab, 0);
    g_assert_cmpuint(ask(&lab), ==, 0);
    radius_client_free(lab.client);
}

/* ---- sessions ---- */

struct hub {
    struct radius_sessions *sessions;
    struct radius_counters counters;
    unsigned n_reports, n_stops;
    uint64_t stopped;
    struct radius_packet last;
    uint8_t bytes[RADIUS_PACKET_MAX];
};

static bool
on_counters(void *owner, uint64_t account, struct radius_counters *out)
{
    const struct hub *h = owner;

    *out = h->counters;
    return account == 7;
}

static void
on_stop(void *owner, uint64_t account)
{
    struct hub *h = owner;

    h->n_stops++;
    h->stopped = account;
}

static void
on_report(void *owner, const char *hub, struct reader attributes, bool last)
{
    struct hub *h = owner;

    g_assert_cmpstr(hub, ==, "HUB");
    (void)last;
    h->n_reports++;
    struct writer w = writer_of(h->bytes, sizeof(h->bytes));
    radius_begin(&w, RADIUS_ACCOUNTING_REQUEST, 0, (const uint8_t[16]){0});
    writer_bytes(&w, attributes.at, attributes.left);
    g_assert_true(radius_seal_request(&w, &secret));
    g_assert_true(radius_parse(reader_of(h->bytes, w.len), &h->last));
}

static const struct radius_sessions_ops session_ops = {
    .counters = on_counters, .stop = on_stop, .report = on_report};

static uint32_t
number(const struct hub *h, uint8_t type)
{
    struct reader value;
    uint32_t n = 0;

    g_assert_true(radius_find(&h->last, type, &value));
    g_assert_true(radius_value_u32(value, &n));
    return n;
}

static void
begin_session(struct hub *h, const struct auth_answer *answer)
{
    struct radius_login login = {.user = (char *)"anna",
                                 .hub = (char *)"HUB",
                                 .nas_identifier = (char *)"nas",
                                 .session = "S1",
                                 .peer.ip = ip_from_v4(0x0a000001)};
    struct radius_session_config config = {
        .account = 7, .login = &login, .answer = answer, .report = true};

    *h = (struct hub){.sessions = radius_sessions_new(&session_ops, h)};
    radius_sessions_add(h->sessions, &config, 0);
}

static void
test_accounting(void)
{
    struct auth_answer answer = {.interim_s = 60, .class_ = g_bytes_new_static("cl", 2)};
    const struct ip none = {0};
    struct reader value;
    struct hub h;

    begin_session(&h, &answer);
    radius_sessions_tick(h.sessions, 50 * S, 1000);
    g_assert_cmpuint(h.n_reports, ==, 0);
    radius_sessions_started(h.sessions, 99, &none, 100 * S, 1000); /* somebody else's */
    radius_sessions_started(h.sessions, 7, &none, 100 * S, 1000);
    g_assert_cmpuint(h.n_reports, ==, 1);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_STATUS_TYPE), ==, 1);
    g_assert_cmpuint(number(&h, RADIUS_EVENT_TIMESTAMP), ==, 1000);
    h.counters = (struct radius_counters){5, 1, UINT64_C(0x200000003), 2};
    radius_sessions_tick(h.sessions, 159 * S, 1059);
    g_assert_cmpuint(h.n_reports, ==, 1);
    radius_sessions_tick(h.sessions, 160 * S, 1060);
    g_assert_cmpuint(h.n_reports, ==, 2);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_STATUS_TYPE), ==, 3);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_INPUT_OCTETS), ==, 5);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_OUTPUT_OCTETS), ==, 3);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_OUTPUT_GIGAWORDS), ==, 2);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_SESSION_TIME), ==, 60);
    g_assert_true(radius_find(&h.last, RADIUS_CLASS, &value));
    assert_same(value.at, value.left, "cl", 2);

    h.counters.in_bytes = 77;
    radius_sessions_ended(h.sessions, 7, &h.counters, RADIUS_LOST_CARRIER, 170 * S, 1070);
    g_assert_cmpuint(h.n_reports, ==, 3);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_STATUS_TYPE), ==, 2);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_INPUT_OCTETS), ==, 77);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_TERMINATE_CAUSE), ==, RADIUS_LOST_CARRIER);
    g_assert_cmpuint(radius_sessions_count(h.sessions), ==, 0);
    radius_sessions_ended(h.sessions, 7, &h.counters, RADIUS_LOST_CARRIER, 170 * S, 1070);
    g_assert_cmpuint(h.n_reports, ==, 3);
    radius_sessions_free(h.sessions);

    begin_session(&h, &answer); /* never starts */
    radius_sessions_tick(h.sessions, RADIUS_START_S * S, 0);
    g_assert_cmpuint(radius_sessions_count(h.sessions), ==, 0);
    g_assert_cmpuint(h.n_reports, ==, 0);
    radius_sessions_free(h.sessions);
    auth_answer_clear(&answer);
}

static void
test_limits_of_time(void)
{
    const struct auth_answer idle = {.idle_s = 30}, session = {.session_s = 40};
    const struct ip none = {0};
    struct hub h;

    begin_session(&h, &idle);
    radius_sessions_started(h.sessions, 7, &none, 0, 0);
    for (int64_t s = 1; s < 60; s++) { /* busy for half a minute */
        h.counters.in_bytes += s <= 30;
        radius_sessions_tick(h.sessions, s * S, 0);
        g_assert_cmpuint(h.n_stops, ==, 0);
    }
    radius_sessions_tick(h.sessions, 70 * S, 0);
    g_assert_cmpuint(h.n_stops, ==, 1);
    radius_sessions_ended(h.sessions, 7, &h.counters, RADIUS_ADMIN_RESET, 71 * S, 0);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_TERMINATE_CAUSE), ==, RADIUS_IDLE_TIMEOUT_OVER);
    radius_sessions_free(h.sessions);

    begin_session(&h, &session);
    radius_sessions_started(h.sessions, 7, &none, 0, 0);
    radius_sessions_tick(h.sessions, 39 * S, 0);
    g_assert_cmpuint(h.n_stops, ==, 0);
    radius_sessions_set_timeout(h.sessions, 7, 100, 39 * S);
    radius_sessions_tick(h.sessions, 100 * S, 0);
    g_assert_cmpuint(h.n_stops, ==, 0);
    radius_sessions_tick(h.sessions, 139 * S, 0);
    radius_sessions_tick(h.sessions, 200 * S, 0);
    g_assert_cmpuint(h.n_stops, ==, 1);
    g_assert_cmpuint(h.stopped, ==, 7);
    radius_sessions_ended(h.sessions, 7, &h.counters, RADIUS_ADMIN_RESET, 200 * S, 0);
    g_assert_cmpuint(number(&h, RADIUS_ACCT_TERMINATE_CAUSE), ==, RADIUS_SESSION_TIMEOUT_OVER);
    radius_sessions_free(h.sessions);
}

static void
test_find(void)
{
    const struct auth_answer answer = {0};
    const struct ip none = {0};
    const struct {
        struct radius_whom whom;
        const char *hub;
        unsigned n;
    } cases[] = {
        {{.session = "S1"}, "HUB", 1},
        {{.user = "ANNA"}, "hub", 1},
        {{.user = "anna", .calling = "10.0.0.1"}, "HUB", 1},
        {{.user = "anna", .calling = "10.0.0.2"}, "HUB", 0},
        {{.session = "s1"}, "HUB", 0},
        {{.session = "S1", .user = "otto"}, "HUB", 0},
        {{.session = "S1"}, "OTHER", 0},
    };
    struct hub h;

    begin_session(&h, &answer);
    for (unsigned started = 0; started < 2; started++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            GArray *found = radius_sessions_find(h.sessions, cases[i].hub, &cases[i].whom);
            g_assert_cmpuint(found->len, ==, started ? cases[i].n : 0);
            g_array_unref(found);
        }
        radius_sessions_started(h.sessions, 7, &none, 0, 0);
    }
    radius_sessions_free(h.sessions);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/radius-client/answer", test_answer);
    g_test_add_func("/radius-client/forged", test_forged);
    g_test_add_func("/radius-client/fail-over", test_fail_over);
    g_test_add_func("/radius-client/ids", test_ids);
    g_test_add_func("/radius-sessions/accounting", test_accounting);
    g_test_add_func("/radius-sessions/limits-of-time", test_limits_of_time);
    g_test_add_func("/radius-sessions/find", test_find);
    return g_test_run();
}
