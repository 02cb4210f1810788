/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-server.c - the server by its streams, over socket pairs: who may come, in what number,
 * and what a client hears that logs in with a tap. */

#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/crypto/tls.h"
#include "core/hub/session.h"
#include "core/proto/openvpn/control.h"
#include "core/proto/openvpn/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPTIONS "V4,dev-type tap,link-mtu 1581,tun-mtu 1532,proto TCPv4_CLIENT,auth SHA1,tls-client"

static const uint8_t client_sid[OVPN_SID] = {1, 2, 3, 4, 5, 6, 7, 8};

struct rig {
    struct worker_set *workers;
    struct hubs *hubs;
    struct auth *auth;
    struct openvpn_server *server;
};

/* ---- users: "guest" needs no password ---- */

static bool
find_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    (void)store;
    *found = g_str_equal(user, "guest");
    if (*found) {
        *out = (struct auth_user){.policy = policy_default()};
        g_strlcpy(out->name, "guest", sizeof(out->name));
    }
    return g_ascii_strcasecmp(hub, "LAB") == 0;
}

static GPtrArray *
trusted_cas(void *store, const char *hub)
{
    (void)store;
    (void)hub;
    return NULL;
}

static void
logged_in(void *store, const char *hub, const char *user, bool ok)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)ok;
}

static const struct auth_store_ops users = {
    .find_user = find_user, .trusted_cas = trusted_cas, .logged_in = logged_in};

/* ---- rig ---- */

static void
set_up(struct rig *r, gconstpointer data)
{
    struct hub_config hub = {.name = (char[]){"LAB"}, .online = true};
    struct openvpn_settings *settings = openvpn_settings_new();
    static const uint8_t secret[OVPN_TOKEN_KEY] = {1};
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;

    (void)data;
    r->workers = worker_set_new(1, NULL);
    r->hubs = hubs_new(r->workers);
    g_assert_nonnull(hubs_create(r->hubs, &hub, NULL));
    r->auth = auth_new(&users, NULL);
    struct openvpn_server_config config = {
        .workers = r->workers, .hubs = r->hubs, .auth = r->auth, .secret = secret};
    r->server = openvpn_server_new(&config, settings);
    openvpn_settings_free(settings);
    g_assert_true(cert_make_self_signed("server", 1, &cert, &key, NULL));
    openvpn_server_set_tls(r->server, cert, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
tear_down(struct rig *r, gconstpointer data)
{
    (void)data;
    openvpn_server_free(r->server);
    auth_free(r->auth);
    hubs_free(r->hubs);
    worker_set_free(r->workers);
}

struct taking {
    struct rig *rig;
    int fd;
    struct endpoint from;
};

static void
take(void *data)
{
    const struct taking *t = data;
    const struct stream_service *s = openvpn_server_stream(t->rig->server);
    struct worker *w = worker_current();

    s->take(s->state, w, t->fd, &t->from, &t->from, worker_now_us(w));
}

/* A stream from an address; the client's end of it. */
static int
connect_from(struct rig *r, uint32_t address)
{
    int fd[2];
    struct taking t = {.rig = r, .from = {.ip = ip_from_v4(address), .port = 9}};

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), ==, 0);
    t.fd = fd[0];
    (void)worker_set_pick(r->workers); /* as the listener does */
    worker_call_sync(worker_set_get(r->workers, 0), take, &t);
    return fd[1];
}

static bool
is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK) == 0;
}

static bool
closes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 5000) == 1 && is_closed(fd);
}

static void
nothing(void *data)
{
    (void)data;
}

static unsigned
strangers(struct rig *r)
{
    worker_call_sync(worker_set_get(r->workers, 0), nothing, NULL); /* it has done what it does */
    return admission_total(r->server->strangers);
}

/* ---- how many ---- */

static void
test_one_address(struct rig *r, gconstpointer data)
{
    int fd[OVPN_STRANGERS_ADDRESS];

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(fd); i++)
        fd[i] = connect_from(r, 0x0a000001);
    int too_many = connect_from(r, 0x0a000001);
    g_assert_true(is_closed(too_many));
    int other = connect_from(r, 0x0a000002);
    g_assert_false(is_closed(other));
    g_assert_cmpuint(strangers(r), ==, OVPN_STRANGERS_ADDRESS + 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(fd); i++) {
        g_assert_false(is_closed(fd[i]));
        close(fd[i]);
    }
    close(too_many);
    close(other);
}

static void
test_all_addresses(struct rig *r, gconstpointer data)
{
    struct rlimit limit;
    int *fd = g_new(int, OVPN_STRANGERS);

    (void)data;
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = MIN(limit.rlim_max, 4 * OVPN_STRANGERS);
    if (limit.rlim_cur < 3 * OVPN_STRANGERS || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        g_test_skip("too few descriptors");
        g_free(fd);
        return;
    }
    for (unsigned i = 0; i < OVPN_STRANGERS; i++)
        fd[i] = connect_from(r, 0x0a000000 + i / 32);
    g_assert_cmpuint(strangers(r), ==, OVPN_STRANGERS);
    int other = connect_from(r, 0x0b000001); /* in the place of the first */
    g_assert_false(is_closed(other));
    g_assert_true(is_closed(fd[0]));
    g_assert_false(is_closed(fd[1]));
    g_assert_cmpuint(strangers(r), ==, OVPN_STRANGERS);
    for (unsigned i = 0; i < OVPN_STRANGERS; i++)
        close(fd[i]);
    close(other);
    g_free(fd);
}

static void
test_garbage(struct rig *r, gconstpointer data)
{
    static const uint8_t no_reset[] = {0, 14, 0x20, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0};
    static const uint8_t huge[] = {0xff, 0xff, 0x38};
    int one = connect_from(r, 1);
    int two = connect_from(r, 1);

    (void)data;
    g_assert_cmpint(write(one, no_reset, sizeof(no_reset)), ==, sizeof(no_reset));
    g_assert_cmpint(write(two, huge, sizeof(huge)), ==, sizeof(huge));
    g_assert_true(closes(one) && closes(two));
    g_assert_cmpuint(strangers(r), ==, 0);
    close(one);
    close(two);
}

/* ---- a client ---- */

struct client {
    int fd;
    struct ovpn_channel *ch;
    SSL_CTX *ctx;
    uint8_t server_sid[OVPN_SID];
    uint8_t in[4 * OVPN_PACKET_MAX];
    size_t have;
    bool ended;
};

static void
client_send(struct client *c)
{
    uint8_t packet[2 + OVPN_CONTROL_MAX + 64];

    for (struct ovpn_control k = {0}; ovpn_channel_pull(c->ch, g_get_monotonic_time(), &k);
         k = (struct ovpn_control){0}) {
        struct writer w = writer_of(packet + 2, sizeof(packet) - 2);
        struct ovpn_wrap none = {0};
        memcpy(k.sid, client_sid, sizeof(k.sid));
        memcpy(k.peer_sid, c->server_sid, sizeof(k.peer_sid));
        g_assert_true(ovpn_wrap_seal(&none, &k, 0, &w));
        packet[0] = (uint8_t)(w.len >> 8);
        packet[1] = (uint8_t)w.len;
        (void)send(c->fd, packet, 2 + w.len, MSG_NOSIGNAL); /* it may have ended meanwhile */
    }
}

static void
client_take(struct client *c)
{
    while (c->have >= 2) {
        size_t len = (size_t)(c->in[0] << 8 | c->in[1]);
        struct ovpn_wrap none = {0};
        struct ovpn_control k;
        if (c->have < 2 + len)
            return;
        g_assert_cmpint(ovpn_wrap_open(&none, c->in + 2, len, true, &k), ==, DROP_NONE);
        memcpy(c->server_sid, k.sid, sizeof(c->server_sid));
        (void)ovpn_reliable_received(&c->ch->reliable, &k, g_get_monotonic_time());
        c->have -= 2 + len;
        memmove(c->in, c->in + 2 + len, c->have);
    }
}

/* One look at the network and at the main loop, which auth needs. */
static void
client_turn(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    g_assert_true(ovpn_channel_advance(c->ch, g_get_monotonic_time()));
    client_send(c);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    if (poll(&p, 1, 10) != 1)
        return;
    ssize_t n = read(c->fd, c->in + c->have, sizeof(c->in) - c->have);
    c->ended |= n == 0;
    c->have += n > 0 ? (size_t)n : 0;
    client_take(c);
}

static void
client_begin(struct client *c, struct rig *r)
{
    *c = (struct client){.fd = connect_from(r, 0x0a000001), .ctx = tls_client_ctx(NULL)};
    c->ch = ovpn_channel_new(c->ctx, OVPN_PAYLOAD_MAX);
    SSL_set_connect_state(c->ch->ssl);
    ovpn_reliable_send(&c->ch->reliable, OVPN_HARD_RESET_CLIENT_V2, NULL, 0,
                       g_get_monotonic_time());
    for (unsigned i = 0; i < 1000 && c->ch->reliable.next_receive == 0; i++)
        client_turn(c);
    c->ch->tls_waiting = true;
    for (unsigned i = 0; i < 1000 && !c->ch->open; i++)
        client_turn(c);
    g_assert_true(c->ch->open);
}

static void
client_end(struct client *c)
{
    ovpn_channel_free(c->ch);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static void
client_login(struct client *c, const char *user)
{
    g_autofree struct ovpn_km2 *m = g_new0(struct ovpn_km2, 1);
    uint8_t bytes[2048];
    struct writer w = writer_of(bytes, sizeof(bytes));

    m->from_client = true;
    g_strlcpy(m->options, OPTIONS, sizeof(m->options));
    g_strlcpy(m->user, user, sizeof(m->user));
    g_strlcpy(m->password, "secret", sizeof(m->password));
    g_strlcpy(m->peer_info, "IV_VER=2.6.14\nIV_PROTO=990\nIV_NCP=2\n", sizeof(m->peer_info));
    ovpn_km2_write(&w, m);
    g_assert_true(ovpn_channel_write(c->ch, bytes, w.len, g_get_monotonic_time()));
}

/* The next message, as text. */
static char *
client_hear(struct client *c)
{
    uint8_t got[OVPN_MESSAGE_MAX];
    long n = 0;

    for (unsigned i = 0; i < 1000 && n == 0; i++) {
        g_assert_true(ovpn_channel_advance(c->ch, g_get_monotonic_time()));
        n = ovpn_channel_read(c->ch, got, sizeof(got));
        if (n == 0 && c->ended)
            break;
        if (n == 0)
            client_turn(c);
    }
    return g_strndup((char *)got, (gsize)MAX(n, 0));
}

static void
hear_km2(struct client *c)
{
    g_autofree struct ovpn_km2 *m = g_new0(struct ovpn_km2, 1);
    uint8_t got[OVPN_MESSAGE_MAX];
    size_t used = 0;
    long n = 0;

    for (unsigned i = 0; i < 1000 && n == 0; i++) {
        n = ovpn_channel_read(c->ch, got, sizeof(got));
        if (n == 0)
            client_turn(c);
    }
    g_assert_cmpint(n, >, 0);
    struct reader in = reader_of(got, (size_t)n);
    g_assert_cmpint(ovpn_km2_parse(in, false, m, &used), ==, DROP_NONE);
    g_assert_nonnull(strstr(m->options, "tls-server"));
    g_assert_nonnull(strstr(m->options, "proto TCPv4_SERVER"));
}

static unsigned
sessions(struct rig *r)
{
    struct hub *hub = hubs_find(r->hubs, "LAB");
    g_autoptr(GPtrArray) list = hub_session_list(hub);

    hub_unref(hub);
    return list->len;
}

static void
test_login(struct rig *r, gconstpointer data)
{
    struct client c;

    (void)data;
    client_begin(&c, r);
    g_assert_cmpuint(strangers(r), ==, 1);
    client_login(&c, "guest");
    hear_km2(&c);
    g_autofree char *push = client_hear(&c); /* unasked, as IV_PROTO allows */
    g_assert_true(g_str_has_prefix(push, "PUSH_REPLY,route-gateway dhcp,"));
    g_assert_nonnull(strstr(push, ",cipher AES-256-GCM,"));
    g_assert_nonnull(strstr(push, ",protocol-flags cc-exit tls-ekm"));
    g_assert_nonnull(strstr(push, ",auth-token SESS_ID_AT_"));
    g_assert_cmpuint(strangers(r), ==, 0);
    g_assert_cmpuint(sessions(r), ==, 1);

    g_assert_true(ovpn_channel_say(c.ch, "EXIT", g_get_monotonic_time()));
    for (unsigned i = 0; i < 500 && !c.ended; i++)
        client_turn(&c);
    g_assert_true(c.ended);
    g_assert_cmpuint(sessions(r), ==, 0);
    client_end(&c);
}

static void
test_refused(struct rig *r, gconstpointer data)
{
    struct client c;

    (void)data;
    client_begin(&c, r);
    client_login(&c, "nobody");
    hear_km2(&c);
    g_autofree char *said = client_hear(&c);
    g_assert_cmpstr(said, ==, "AUTH_FAILED"); /* and not a word about why */
    for (unsigned i = 0; i < 500 && !c.ended; i++)
        client_turn(&c);
    g_assert_true(c.ended);
    g_assert_cmpuint(sessions(r), ==, 0);
    g_assert_cmpuint(strangers(r), ==, 0);
    client_end(&c);
}

static void
test_switched_off(struct rig *r, gconstpointer data)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    struct client c;

    (void)data;
    client_begin(&c, r);
    client_login(&c, "guest");
    hear_km2(&c);
    g_autofree char *push = client_hear(&c);
    g_assert_true(g_str_has_prefix(push, "PUSH_REPLY,"));
    settings->enabled = false;
    openvpn_server_set(r->server, settings);
    openvpn_settings_free(settings);
    g_autofree char *said = client_hear(&c);
    g_assert_cmpstr(said, ==, "RESTART");
    g_assert_cmpuint(sessions(r), ==, 0);
    client_end(&c);
}

#define ADD(name, fn) g_test_add("/openvpn/server/" name, struct rig, NULL, set_up, fn, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("one-address", test_one_address);
    ADD("all-addresses", test_all_addresses);
    ADD("garbage", test_garbage);
    ADD("login", test_login);
    ADD("refused", test_refused);
    ADD("switched-off", test_switched_off);
    return g_test_run();
}
