/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h: the HTTP request that opens a call ([MS-SSTP], 3.2.4.1). */

#include "core/proto/sstp/server.h"

#include "core/proto/sstp/server_priv.h"

#include <string.h>

#define METHOD "SSTP_DUPLEX_POST"
#define TARGET "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"

static const char accepted[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Length: 18446744073709551615\r\n"
                               "Server: Microsoft-HTTPAPI/2.0\r\n"
                               "\r\n";

static size_t
claims(void *state, const struct http_head *head)
{
    struct sstp_server *s = state;
    bool is_ours = head->method.len == sizeof(METHOD) - 1 &&
                   memcmp(head->method.at, METHOD, head->method.len) == 0 &&
                   http_span_is(&head->target, TARGET);

    return is_ours && atomic_load_explicit(&s->enabled, memory_order_relaxed) ? CONN_ENDLESS : 0;
}

static void
request(void *state, struct conn *c, const struct http_head *head, struct reader body,
        int64_t now_us)
{
    struct sstp_server *s = state;
    struct endpoint peer = *conn_peer(c);
    struct sstp_home *home = &s->home[worker_index(conn_worker(c))];
    struct conn_handover h;

    (void)head;
    (void)body;
    if (!admission_enter(s->strangers, &peer.ip)) {
        conn_reply(c, &(struct conn_answer){
                          .status = 503, .reason = "Service Unavailable", .close = true});
        return;
    }
    conn_reply_raw(c, accepted, sizeof(accepted) - 1, false);
    conn_take(c, &h);
    sstp_session_new(home, &h, now_us);
}

static void
gone(void *state, struct conn *c)
{
    (void)state; /* nothing is kept with a connection */
    (void)c;
}

struct sstp_server *
sstp_server_new(const struct sstp_server_config *config)
{
    struct worker_set *workers = hubs_workers(config->hubs);
    unsigned n = worker_set_n(workers);
    struct sstp_server *s = g_malloc0(sizeof(*s) + n * sizeof(s->home[0]));

    s->hubs = config->hubs;
    s->auth = config->auth;
    s->default_hub = g_strdup(config->default_hub);
    s->strangers = admission_new(SSTP_STRANGERS_MAX, CONN_PER_ADDRESS);
    s->service = (struct http_service){
        .name = "SSTP", .state = s, .claims = claims, .request = request, .gone = gone};
    s->n_homes = n;
    for (unsigned i = 0; i < n; i++)
        s->home[i] = (struct sstp_home){.server = s, .worker = worker_set_get(workers, i)};
    atomic_init(&s->enabled, true);
    return s;
}

static void
close_home(void *home)
{
    sstp_home_close(home);
}

void
sstp_server_free(struct sstp_server *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n_homes; i++)
        worker_call_sync(s->home[i].worker, close_home, &s->home[i]);
    admission_free(s->strangers);
    g_free(s->default_hub);
    g_free(s);
}

void
sstp_server_enable(struct sstp_server *s, bool on)
{
    atomic_store_explicit(&s->enabled, on, memory_order_relaxed);
}

const struct http_service *
sstp_server_service(struct sstp_server *s)
{
    return &s->service;
}
