/* SPDX-License-Identifier: Apache-2.0 */
/* test-ipsec-server.c - the whole server with whole clients over the loop-back, and a service that
 * sends back what it gets. */

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/proto/ipsec/first.h"
#include "core/proto/ipsec/home.h"
#include "core/proto/ipsec/peer.h"
#include "tests/unit/ikev1/issue.h"
#include "tests/unit/ipsec/client.h"

#include <glib.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_DETACH_REUSEPORT_BPF
#    define SO_DETACH_REUSEPORT_BPF 68
#endif

enum { LINK_MAX = 256 };

/* ---- a service that echoes ---- */

struct echo {
    struct carrier *c;
    int64_t heard_us;
};

struct rig {
    struct worker_set *workers;
    struct ipsec_server *server;
    struct ipsec_server_config config;
    struct carrier_service service;
    const struct carrier_service *services[2];
    struct router_book *book;
    atomic_uint opened, closed, changed, payloads;
    atomic_bool deaf;    /* recognises nothing */
    atomic_bool hang_up; /* closes at the next payload */
    atomic_uint strays;
};

static bool
recognises(void *state, const struct carrier *c, struct reader first)
{
    const struct rig *r = state;

    g_assert_true(c->proven && c->identity && c->cipher);
    return !atomic_load(&r->deaf) && (first.left > 0 || c->protocol != CARRIER_UDP);
}

static struct rig *rig; /* of the test that runs */

static void *
opened(void *state, struct carrier *c, int64_t now_us)
{
    struct rig *r = state;
    struct echo *e = g_new0(struct echo, 1);

    e->c = c;
    e->heard_us = now_us;
    atomic_fetch_add(&r->opened, 1);
    return e;
}

static void
receive(void *link, struct batch *b, int64_t now_us)
{
    struct echo *e = link;

    e->heard_us = now_us;
    atomic_fetch_add(&rig->payloads, b->n);
    if (!atomic_load(&rig->hang_up)) {
        e->c->ops->send(e->c, b, now_us);
        return;
    }
    batch_free_frames(b);
    struct carrier *c = e->c;
    g_free(e);
    atomic_fetch_add(&rig->closed, 1);
    c->ops->close(c, 0, now_us);
}

static void
changed(void *link, int64_t now_us)
{
    (void)link;
    (void)now_us;
    atomic_fetch_add(&rig->changed, 1);
}

static void
closed(void *link, int reason, int64_t now_us)
{
    (void)reason;
    (void)now_us;
    g_free(link);
    atomic_fetch_add(&rig->closed, 1);
}

static const char *
stray(void *state, const struct carrier *c, struct reader payload, struct writer *answer)
{
    struct rig *r = state;

    g_assert_true(c->proven);
    atomic_fetch_add(&r->strays, 1);
    writer_bytes(answer, "gone", payload.left > 10 ? 4 : 0);
    return "it is gone";
}

static int64_t
last_heard(void *link)
{
    const struct echo *e = link;

    return e->heard_us;
}

/* ---- rig ---- */

static struct router_book *
make_book(void)
{
    GPtrArray *all = g_ptr_array_new();
    struct router *branch = router_new();
    struct router *other = router_new();

    branch->id = g_strdup("branch.example");
    other->id = g_strdup("other.example");
    other->psk = secret_text("its own");
    g_ptr_array_add(all, branch);
    g_ptr_array_add(all, other);
    return router_book_new(all);
}

static struct ipsec_settings *
make_settings(const struct rig *r)
{
    struct ipsec_settings *s = ipsec_settings_new();

    s->enabled = true;
    s->psk = secret_text("secret");
    s->raw = false;
    s->routers = router_book_ref(r->book);
    return s;
}

static void
set_up_n(struct rig *r, unsigned n)
{
    rig = r;
    r->book = make_book();
    r->workers = worker_set_new(n, NULL);
    r->service = (struct carrier_service){.name = "echo",
                                          .state = r,
                                          .recognises = recognises,
                                          .opened = opened,
                                          .receive = receive,
                                          .changed = changed,
                                          .closed = closed,
                                          .last_heard_us = last_heard,
                                          .stray = stray};
    r->services[0] = &r->service;
    struct ipsec_settings *s = make_settings(r);
    for (unsigned tries = 0; tries < 20; tries++) { /* others may have a port */
        uint16_t port = (uint16_t)random_range(20000, 30000);
        r->config = (struct ipsec_server_config){.workers = r->workers,
                                                 .services = r->services,
                                                 .ike_port = port,
                                                 .nat_port = (uint16_t)(port + 1)};
        struct ipsec_status status;
        r->server = ipsec_server_new(&r->config, s);
        ipsec_server_get_status(r->server, &status);
        if (status.open)
            break;
        ipsec_server_free(r->server);
        r->server = NULL;
    }
    g_assert_nonnull(r->server);
    ipsec_settings_free(s);
}

static void
set_up(struct rig *r, gconstpointer data)
{
    set_up_n(r, data ? GPOINTER_TO_UINT(data) : 2);
}

static void
tear_down(struct rig *r, gconstpointer data)
{
    (void)data;
    ipsec_server_free(r->server);
    g_assert_cmpuint(atomic_load(&r->opened), ==, atomic_load(&r->closed));
    worker_set_free(r->workers);
    router_book_unref(r->book);
}

static struct client_config
config(const struct rig *r)
{
    return (struct client_config){.ike_port = r->config.ike_port, .nat_port = r->config.nat_port};
}

static struct ipsec_status
status(struct rig *r)
{
    struct ipsec_status s;

    for (unsigned i = 0; i < r->server->n_homes; i++)
        g_array_unref(ipsec_server_peers(r->server)); /* the workers have done what came before */
    ipsec_server_get_status(r->server, &s);
    return s;
}

/* Nothing is steered any more: what arrives at the wrong worker goes over the tubes. */
static void
unsteer(struct rig *r)
{
    const struct ipsec_ports *p = &r->server->home[0]->ports;
    int on = 1;

    (void)setsockopt(pf_udp_fd(p->ike->udp), SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &on, sizeof(on));
    (void)setsockopt(pf_udp_fd(p->nat->udp), SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &on, sizeof(on));
}

/* ---- tests ---- */

static void
test_echo(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 1));
    g_assert_true(client_echo(&t, CLIENT_INNER, 1300));
    g_assert_true(client_echo(&t, CLIENT_INNER, 4000)); /* the system makes fragments */
    g_assert_cmpuint(atomic_load(&r->opened), ==, 1);
    g_assert_true(client_echo(&t, CLIENT_INNER + 1, 100)); /* another carrier */
    g_assert_cmpuint(atomic_load(&r->opened), ==, 2);

    struct ipsec_status s = status(r);
    g_assert_cmpuint(s.peers, ==, 1);
    g_assert_cmpuint(s.children, ==, 1);
    g_assert_cmpuint(s.half_open, ==, 0);
    g_autoptr(GArray) peers = ipsec_server_peers(r->server);
    g_assert_cmpuint(peers->len, ==, 1);
    const struct ipsec_peer_info *p = &g_array_index(peers, struct ipsec_peer_info, 0);
    g_assert_cmpstr(p->identity, ==, "10.9.9.9");
    g_assert_cmpstr(p->esp, ==, "AES-128-GCM");
    g_assert_true(p->udp && !p->tunnel && p->carriers == 2);
    client_done(&t);
}

static void
test_tunnel(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    c.tunnel = true;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 1300));
    g_assert_true(client_echo(&t, CLIENT_INNER, 2500)); /* fragments inside */
    client_done(&t);
}

static void
test_other_worker(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);

    (void)data;
    unsteer(r);
    for (unsigned i = 0; i < 8; i++) {
        struct client t;
        client_init(&t, &c);
        g_assert_true(client_connect(&t));
        g_assert_true(client_echo(&t, CLIENT_INNER, 100));
        for (unsigned n = 0; n < 4; n++) { /* from anywhere */
            client_move(&t);
            g_assert_true(client_echo(&t, CLIENT_INNER, 100));
        }
        client_done(&t);
    }
    g_assert_cmpuint(atomic_load(&r->opened), ==, 8);
    g_assert_cmpuint(atomic_load(&r->changed), >=, 8 * 4);
}

static void
test_rekey(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;
    bool old = true;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_true(client_quick(&t));
    client_send(&t, CLIENT_INNER, "late", 4, true); /* still on its way by the old keys */
    g_assert_true(client_receive(&t, CLIENT_WAIT_MS, &old));
    g_assert_false(old); /* and the answer has the new ones */
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_cmpuint(status(r).children, ==, 2);
    initiator_delete_esp(&t.ike, t.spi_in - 1);
    client_flush(&t);
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_cmpuint(status(r).children, ==, 1);
    g_assert_cmpuint(atomic_load(&r->opened), ==, 1);
    client_done(&t);
}

/* A new phase 1 takes over; with INITIAL-CONTACT it is another life of the peer. */
static void
test_new_phase1(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_true(client_phase1(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_true(client_quick(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_cmpuint(status(r).peers, ==, 1);
    g_assert_cmpuint(atomic_load(&r->opened), ==, 1);
    initiator_delete_sa(&t.ike); /* children stay, as Windows and racoon want it */
    client_flush(&t);
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));

    t.c.initial_contact = true;
    g_assert_true(client_phase1(&t));
    g_assert_cmpuint(status(r).peers, ==, 1);
    g_assert_cmpuint(status(r).children, ==, 0);
    g_assert_cmpuint(atomic_load(&r->closed), ==, 1);
    g_assert_true(client_quick(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_cmpuint(atomic_load(&r->opened), ==, 2);
    client_done(&t);
}

/* Behind one NAT, with the same identity and the same inner port; each has its own carrier. */
static void
test_one_nat(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t[3];

    (void)data;
    c.initial_contact = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++) {
        client_init(&t[i], &c);
        g_assert_true(client_connect(&t[i]));
        g_assert_true(client_echo(&t[i], CLIENT_INNER, 100));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++)
        g_assert_true(client_echo(&t[i], CLIENT_INNER, 101 + i));
    g_assert_cmpuint(status(r).peers, ==, 3);
    g_assert_cmpuint(atomic_load(&r->opened), ==, 3);
    g_assert_cmpuint(atomic_load(&r->closed), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++)
        client_done(&t[i]);
}

static void
test_end(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    initiator_delete_esp(&t.ike, t.ike.child.spi_in);
    client_flush(&t);
    initiator_delete_sa(&t.ike);
    client_flush(&t);
    for (unsigned i = 0; i < 100 && status(r).peers > 0; i++)
        g_usleep(10000);
    g_assert_cmpuint(status(r).peers, ==, 0);
    g_assert_cmpuint(status(r).children, ==, 0);
    g_assert_cmpuint(atomic_load(&r->closed), ==, 1);
    client_done(&t);
}

static void
test_goodbye(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    struct ipsec_settings *s = make_settings(r);
    s->enabled = false;
    ipsec_server_set(r->server, s);
    ipsec_settings_free(s);
    g_assert_cmpuint(status(r).peers, ==, 0);
    g_assert_cmpuint(atomic_load(&r->closed), ==, 1);
    (void)client_receive(&t, 200, NULL);
    g_assert_cmpuint(t.ike.deletes_sa, ==, 1);
    g_assert_cmpuint(t.ike.deletes_esp, ==, 1);
    client_done(&t);
}

static void
test_service_closes(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    atomic_store(&r->hang_up, true);
    client_send(&t, CLIENT_INNER, "bye", 3, false);
    for (unsigned i = 0; i < 100 && atomic_load(&r->closed) == 0; i++)
        g_usleep(10000);
    atomic_store(&r->hang_up, false);
    g_assert_cmpuint(status(r).peers, ==, 1); /* it may come back on the same keys */
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    g_assert_cmpuint(atomic_load(&r->opened), ==, 2);
    client_done(&t);
}

static void
test_keys(struct rig *r, gconstpointer data)
{
    static const struct {
        const char *psk, *fqdn;
        bool ok;
    } cases[] = {
        {"wrong", NULL, false},
        {"secret", "branch.example", true},
        {"its own", "other.example", true},
        {"secret", "other.example", false},   /* it has a key of its own */
        {"its own", "branch.example", false}, /* which is nobody else's */
        {"its own", NULL, false},
    };

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct client_config c = config(r);
        struct client t;
        c.psk = cases[i].psk;
        c.fqdn = cases[i].fqdn;
        c.wait_ms = cases[i].ok ? 0 : 500;
        client_init(&t, &c);
        unsigned before = status(r).peers;
        bool up = client_phase1(&t);
        g_assert_true(up == cases[i].ok);
        g_assert_cmpuint(status(r).peers, ==, before + (cases[i].ok ? 1 : 0));
        client_done(&t);
    }
    /* A message that cannot be read may be a broken one: it is said a little later. */
    for (unsigned i = 0; i < 200 && status(r).wrong_key == 0; i++)
        g_usleep(50000);
    g_assert_cmpuint(status(r).wrong_key, >=, 1);
}

/* ---- certificates ---- */

struct chain {
    X509 *cert, *between;
    EVP_PKEY *key;
};

static void
try_chain(struct rig *r, const struct chain *c, bool ok)
{
    struct client_config config_ = config(r);
    unsigned before = status(r).peers;
    struct client t;

    config_.cert = c->cert;
    config_.other_cert = c->between;
    config_.key = c->key;
    config_.wait_ms = ok ? 0 : 300;
    client_init(&t, &config_);
    g_assert_true(client_connect(&t) == ok || !ok);
    g_assert_cmpint(t.ike.up, ==, ok);
    g_assert_cmpuint(status(r).peers, ==, before + (ok ? 1 : 0));
    if (ok) {
        g_assert_true(client_echo(&t, CLIENT_INNER, 100));
        g_assert_cmpuint(t.ike.peer_certs, ==, 1);
    }
    client_done(&t);
}

/* Those of a trusted authority come in, as long as it is one. */
static void
test_certificates(struct rig *r, gconstpointer data)
{
    enum { ROOT, FOREIGN, BETWEEN, SERVER, GOOD, EXPIRED, OTHER, FAR, N };
    static const struct {
        const char *name;
        bool ca;
        int days, by;
    } make[N] = {{"root", true, 30, -1},        {"foreign", true, 30, -1},
                 {"between", true, 30, ROOT},   {"server", false, 30, -1},
                 {"good", false, 30, ROOT},     {"expired", false, -1, ROOT},
                 {"other", false, 30, FOREIGN}, {"far", false, 30, BETWEEN}};
    X509 *cert[N];
    EVP_PKEY *key[N];
    g_autoptr(GPtrArray) cas = g_ptr_array_new();
    struct ipsec_identity id = {.cas = cas};

    (void)data;
    for (unsigned i = 0; i < N; i++) {
        int by = make[i].by;
        cert[i] = issue(make[i].name, make[i].ca, make[i].days, by < 0 ? NULL : cert[by],
                        by < 0 ? NULL : key[by], &key[i]);
    }
    struct chain good = {.cert = cert[GOOD], .key = key[GOOD]};
    struct chain expired = {.cert = cert[EXPIRED], .key = key[EXPIRED]};
    struct chain other = {.cert = cert[OTHER], .key = key[OTHER]};
    struct chain far = {.cert = cert[FAR], .key = key[FAR], .between = cert[BETWEEN]};
    struct chain cut = {.cert = cert[FAR], .key = key[FAR]};
    id.cert = cert[SERVER];
    id.key = key[SERVER];
    ipsec_server_set_identity(r->server, &id);
    try_chain(r, &good, false); /* nobody is trusted */
    g_ptr_array_add(cas, cert[ROOT]);
    ipsec_server_set_identity(r->server, &id);
    try_chain(r, &good, true);
    try_chain(r, &far, true);
    try_chain(r, &cut, false);
    try_chain(r, &expired, false);
    try_chain(r, &other, false);
    struct ipsec_settings *s = make_settings(r);
    ipsec_server_set(r->server, s); /* other settings leave it as it is */
    ipsec_settings_free(s);
    try_chain(r, &good, true);
    cas->pdata[0] = cert[BETWEEN]; /* trusted itself, although another signed it */
    ipsec_server_set_identity(r->server, &id);
    try_chain(r, &cut, true);
    try_chain(r, &good, false);
    for (unsigned i = 0; i < N; i++) {
        X509_free(cert[i]);
        EVP_PKEY_free(key[i]);
    }
}

/* Protocols of routers are for those in the register. */
static void
test_register(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;

    (void)data;
    c.protocol = CARRIER_ETHERIP;
    c.fqdn = "branch.example";
    client_init(&t, &c);
    g_assert_true(client_connect(&t)); /* no selectors: for anything */
    g_assert_true(client_echo(&t, 0, 1400));
    g_assert_cmpuint(atomic_load(&r->opened), ==, 1);
    client_done(&t);

    atomic_store(&r->deaf, true);
    c.fqdn = "nobody.example";
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    client_send(&t, 0, "frame", 5, false);
    g_assert_false(client_receive(&t, 200, NULL));
    g_assert_cmpuint(atomic_load(&r->opened), ==, 1);
    client_done(&t);
}

/* What nobody recognises is answered by who knows better, now and then. */
static void
test_stray(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    unsigned answers = 0;
    struct client t;

    (void)data;
    atomic_store(&r->deaf, true);
    client_init(&t, &c);
    g_assert_true(client_connect(&t));
    client_send(&t, CLIENT_INNER, "short", 5, false);
    g_assert_false(client_receive(&t, 200, NULL));
    int64_t start_us = g_get_monotonic_time();
    for (unsigned i = 0; i < 50; i++)
        client_send(&t, CLIENT_INNER, "an old tunnel", 13, false);
    while (client_receive(&t, 300, NULL)) {
        g_assert_true(t.got_len == 4 && memcmp(t.got, "gone", 4) == 0);
        answers++;
    }
    int64_t most = 1 + (g_get_monotonic_time() - start_us) / (IPSEC_STRAY_MS * 1000);
    g_assert_cmpuint(answers, >=, 1);
    g_assert_cmpuint(answers, <=, most);
    g_assert_cmpuint(atomic_load(&r->strays), ==, 51);
    g_assert_cmpuint(atomic_load(&r->opened), ==, 0);
    atomic_store(&r->deaf, false);
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    client_done(&t);
}

/* ---- limits ---- */

struct flood {
    const struct rig *rig;
    uint8_t message[512];
    size_t len;
    unsigned n;
    atomic_bool done;
};

/* First messages, each from an address of its own. */
static gpointer
flood(gpointer data)
{
    struct flood *f = data;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(f->rig->config.ike_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (unsigned i = 0; i < f->n; i++) {
        union {
            struct cmsghdr head;
            char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        } control = {.head = {.cmsg_level = IPPROTO_IP,
                              .cmsg_type = IP_PKTINFO,
                              .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))}};
        struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(0x7f010000 + i)};
        memcpy(CMSG_DATA(&control.head), &from, sizeof(from));
        memcpy(f->message, &i, sizeof(i));
        struct iovec iov = {f->message, f->len};
        struct msghdr m = {.msg_name = &to,
                           .msg_namelen = sizeof(to),
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof(control.bytes)};
        (void)sendmsg(fd, &m, 0);
        if (i % 64 == 0) /* some 30,000 a second */
            g_usleep(2000);
    }
    close(fd);
    atomic_store(&f->done, true);
    return NULL;
}

static void
test_flood(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct flood f = {.rig = r, .n = 100000};
    struct client t;
    struct initiator_config first = {.suite = {.cipher = IKE1_AES_CBC,
                                               .key_bits = 256,
                                               .hash = IKE1_SHA256,
                                               .auth = IKE1_PSK,
                                               .group = 19,
                                               .life_s = 3600},
                                     .psk = "secret",
                                     .vendors = IKE1_VENDOR_NATT_RFC,
                                     .us = {.ip = ip_from_v4(0x0a090909), .port = 500},
                                     .peer = {.ip = ip_from_v4(0x7f000001), .port = 500}};
    struct initiator i;

    (void)data;
    initiator_init(&i, &first);
    initiator_begin(&i);
    f.len = i.out_len;
    g_assert_cmpuint(f.len, <=, sizeof(f.message));
    memcpy(f.message, i.out, f.len);
    initiator_done(&i);

    GThread *thread = g_thread_new("flood", flood, &f);
    g_usleep(100000);
    unsigned in_time = 0;
    unsigned begun_anew = 0;
    c.wait_ms = 500; /* it retransmits */
    for (unsigned n = 0; !atomic_load(&f.done) && n < 10; n++) {
        int64_t start_us = clock_now_us();
        client_init(&t, &c);
        bool up = false;
        bool echoed = false;
        for (unsigned tries = 0; tries < 20 && !up; tries++) {
            up = client_connect(&t);
            begun_anew += !up;
        }
        for (unsigned tries = 0; tries < 20 && up && !echoed; tries++)
            echoed = client_echo(&t, CLIENT_INNER, 100); /* the socket overflows: some are lost */
        g_assert_true(echoed);
        in_time += clock_now_us() - start_us < 2 * G_USEC_PER_SEC;
        client_done(&t);
    }
    g_thread_join(thread);
    g_assert_cmpuint(in_time, >, 0);
    for (unsigned h = 0; h < r->server->n_homes; h++)
        g_assert_cmpuint(ipsec_first_n(r->server->home[h]->first), <=, IPSEC_FIRST_SLOTS);
    /* What nobody sent leaves nothing; a client that began anew leaves what it gave up. */
    g_assert_cmpuint(status(r).half_open, <=, begun_anew);
    g_test_message("%u clients got in during the flood, %" G_GUINT64_FORMAT " refused", in_time,
                   status(r).refused);
}

/* Whoever has the port, the status says so. */
static void
test_taken(struct rig *r, gconstpointer data)
{
    struct ipsec_settings *s = make_settings(r);
    struct ipsec_status st;

    (void)data;
    struct ipsec_server *other = ipsec_server_new(&r->config, s);
    ipsec_server_get_status(other, &st);
    g_assert_false(st.open);
    g_assert_nonnull(strstr(st.problem, "in use"));
    ipsec_server_free(other);
    ipsec_settings_free(s);
}

/* Noise of any kind brings no answer and no harm. */
static void
test_noise(struct rig *r, gconstpointer data)
{
    struct client_config c = config(r);
    struct client t;
    uint8_t bytes[600];

    (void)data;
    client_init(&t, &c);
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = random_range(0, sizeof(bytes));
        random_bytes(bytes, len);
        if (i % 3 == 0)
            memset(bytes, 0, MIN(len, 4));
        if (len > 17 && i % 2 == 0)
            bytes[i % 3 == 0 ? 21 : 17] = 0x10;
        if (i % 5 == 0)
            bytes[i % 3 == 0 ? 12 : 8] = (uint8_t)(i % 4); /* a home's number */
        if (i % 7 == 0)
            bytes[0] = (uint8_t)(i % 3);
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(i % 2 ? c.ike_port : c.nat_port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        (void)sendto(t.fd, bytes, len, 0, (struct sockaddr *)&to, sizeof(to));
    }
    char answer[64];
    g_usleep(100000);
    g_assert_cmpint(recv(t.fd, answer, sizeof(answer), MSG_DONTWAIT), <, 0);
    g_assert_true(client_connect(&t));
    g_assert_true(client_echo(&t, CLIENT_INNER, 100));
    client_done(&t);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/ipsec/" name, struct rig, NULL, set_up, fn, tear_down)
    ADD("echo", test_echo);
    ADD("tunnel", test_tunnel);
    ADD("other-worker", test_other_worker);
    ADD("rekey", test_rekey);
    ADD("new-phase-1", test_new_phase1);
    ADD("one-nat", test_one_nat);
    ADD("end", test_end);
    ADD("goodbye", test_goodbye);
    ADD("service-closes", test_service_closes);
    ADD("keys", test_keys);
    ADD("certificates", test_certificates);
    ADD("register", test_register);
    ADD("stray", test_stray);
    ADD("flood", test_flood);
    ADD("taken", test_taken);
    ADD("noise", test_noise);
    return g_test_run();
}
