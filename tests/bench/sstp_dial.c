/* SPDX-License-Identifier: Apache-2.0 */
/* sstp_dial.c - see sstp_dial.h. */

#include "tests/bench/sstp_dial.h"

#include "core/base/random.h"
#include "core/crypto/mschap.h"
#include "core/crypto/tls.h"
#include "core/net/eth.h"
#include "core/net/wire.h"
#include "core/proto/ppp/wire.h"
#include "core/proto/sstp/binding.h"

#include <stdio.h>
#include <string.h>

enum {
    READ_CHUNK = 16384,
    HEAD_MAX = 4096, /* of the answer to HTTP */
    OPTION_AUTH = 3,
    OPTION_ADDRESS = 3,
    CHAP_CHALLENGE = 1,
    CHAP_RESPONSE,
    CHAP_SUCCESS,
    CHAP_FAILURE,
    PAP_REQUEST = 1,
    PAP_ACK,
};

#define REQUEST                                                                               \
    "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\nHost: vpn\r\n" \
    "Content-Length: 18446744073709551615\r\n\r\n"

enum stage { CONNECTING, HANDSHAKE, HTTP, CALL, LINK, UP, LEAVING, OVER };

struct sstp_dial {
    struct sstp_dial_config config;
    const struct sstp_dial_ops *ops;
    void *owner;
    struct worker_fd wfd; /* while it connects */
    struct tls_stream *stream;
    struct worker_deferred bury;
    const char *why;
    enum stage stage;
    struct sstp_binding binding;
    bool lcp_ours, lcp_theirs, ipcp_ours, ipcp_theirs, asked;
    uint8_t challenge[MSCHAP_CHALLENGE], peer[MSCHAP_CHALLENGE];
    uint8_t hash[MSCHAP_HASH], response[MSCHAP_RESPONSE], hash_hash[NT_HASH_SIZE];
    uint32_t ip4;
    size_t part_len;
    uint8_t part[SSTP_RECORD_MAX]; /* of a record, or of the answer to HTTP */
};

/* ---- the end ---- */

static void
end(struct sstp_dial *d, const char *why)
{
    if (d->stage == OVER)
        return;
    d->why = d->stage == LEAVING ? NULL : why;
    d->stage = OVER;
    worker_defer(d->config.worker, &d->bury);
}

static void
on_bury(struct worker_deferred *deferred, int64_t now_us)
{
    struct sstp_dial *d = container_of(deferred, struct sstp_dial, bury);

    (void)now_us;
    if (d->wfd.ready)
        worker_fd_remove(d->config.worker, &d->wfd);
    if (d->stream)
        tls_stream_free(d->stream);
    else
        pf_close(d->wfd.fd);
    d->ops->ended(d->owner, d, d->why);
    g_free(d);
}

/* ---- sending ---- */

static void
put(struct sstp_dial *d, const void *bytes, size_t len)
{
    struct pf_slice whole = {(void *)(uintptr_t)bytes, len};

    (void)tls_stream_write(d->stream, &whole, 1); /* a broken stream tells so by on_end */
}

/* The headers of SSTP and PPP. */
static void
write_head(uint8_t at[SSTP_DIAL_ROOM], uint16_t protocol, size_t len)
{
    at[0] = SSTP_VERSION;
    at[1] = 0;
    wire_put16(at + 2, (uint16_t)(SSTP_DIAL_ROOM + len));
    wire_put16(at + 4, 0xff03);
    wire_put16(at + 6, protocol);
}

static void
say(struct sstp_dial *d, uint16_t protocol, uint8_t code, uint8_t id, struct reader data)
{
    uint8_t bytes[SSTP_RECORD_MAX];
    size_t len = PPP_HEADER + data.left;

    if (SSTP_DIAL_ROOM + len > sizeof(bytes))
        return;
    write_head(bytes, protocol, len);
    bytes[8] = code;
    bytes[9] = id;
    wire_put16(bytes + 10, (uint16_t)len);
    memcpy(bytes + 12, data.at, data.left);
    put(d, bytes, SSTP_DIAL_ROOM + len);
}

static void
control(struct sstp_dial *d, enum sstp_message type)
{
    uint8_t bytes[SSTP_CONTROL_HEADER];
    struct writer w = writer_of(bytes, sizeof(bytes));

    sstp_write_control(&w, type, 0, 0);
    put(d, bytes, w.len);
}

void
sstp_dial_send(struct sstp_dial *d, const struct sstp_dial_packet *p, unsigned n)
{
    struct pf_slice iov[2 * BATCH_MAX];
    unsigned k = 0;

    if (d->stage != UP)
        return;
    for (unsigned i = 0; i < n; i++) {
        write_head(p[i].head - SSTP_DIAL_ROOM, PPP_IP4, p[i].head_len + p[i].rest.len);
        iov[k++] = (struct pf_slice){p[i].head - SSTP_DIAL_ROOM, SSTP_DIAL_ROOM + p[i].head_len};
        if (p[i].rest.len > 0)
            iov[k++] = p[i].rest;
    }
    (void)tls_stream_write(d->stream, iov, k);
}

bool
sstp_dial_is_congested(const struct sstp_dial *d)
{
    return d->stage != UP || tls_stream_is_congested(d->stream);
}

void
sstp_dial_leave(struct sstp_dial *d)
{
    if (d->stage >= LEAVING)
        return;
    bool can_say = d->stage > HTTP;
    d->stage = LEAVING;
    if (can_say)
        control(d, SSTP_CALL_DISCONNECT);
    else
        end(d, NULL);
}

/* ---- the login ---- */

/* Call Connected. */
static void
bind_call(struct sstp_dial *d)
{
    uint8_t bytes[SSTP_CONNECTED_SIZE];
    uint8_t mac[SSTP_HASH];
    struct writer w = writer_of(bytes, sizeof(bytes));

    sstp_write_control(&w, SSTP_CALL_CONNECTED, 1, SSTP_CONNECTED_SIZE - SSTP_CONTROL_HEADER);
    writer_u8(&w, 0);
    writer_u8(&w, SSTP_CRYPTO_BINDING);
    writer_u16(&w, SSTP_CONNECTED_SIZE - SSTP_CONTROL_HEADER);
    writer_zero(&w, 3);
    writer_u8(&w, SSTP_SHA256);
    writer_bytes(&w, d->binding.nonce, SSTP_NONCE);
    writer_bytes(&w, d->binding.sha256, SSTP_HASH);
    writer_zero(&w, SSTP_HASH);
    if (!sstp_binding_mac(&d->binding, SSTP_SHA256, bytes, mac)) {
        end(d, "no crypto binding can be made");
        return;
    }
    memcpy(bytes + w.len - SSTP_HASH, mac, SSTP_HASH);
    put(d, bytes, w.len);
}

static void
ask_address(struct sstp_dial *d, uint8_t id)
{
    uint8_t option[6] = {OPTION_ADDRESS, sizeof(option)};

    wire_put32(option + 2, d->ip4);
    say(d, PPP_IPCP, PPP_CONFIGURE_REQUEST, id, reader_of(option, sizeof(option)));
}

static void
logged_in(struct sstp_dial *d)
{
    bind_call(d);
    ask_address(d, 1);
}

static const char *
bare_name(const char *user)
{
    const char *hub_end = strrchr(user, '\\');

    return hub_end ? hub_end + 1 : user;
}

static void
answer_challenge(struct sstp_dial *d, uint8_t id, struct reader data)
{
    uint8_t value[256];
    struct writer w = writer_of(value, sizeof(value));
    uint8_t nt[NT_HASH_SIZE];

    if (reader_u8(&data) != MSCHAP_CHALLENGE) {
        end(d, "no challenge of MS-CHAPv2");
        return;
    }
    reader_copy(&data, d->challenge, sizeof(d->challenge));
    random_bytes(d->peer, sizeof(d->peer));
    nt_hash(d->config.password, nt);
    mschap_hash_hash(nt, d->hash_hash);
    if (!mschap_challenge_hash(d->peer, d->challenge, bare_name(d->config.user), d->hash) ||
        !mschap_response(d->hash, nt, d->response)) {
        end(d, "no response can be made");
        return;
    }
    writer_u8(&w, MSCHAP_CHALLENGE + 8 + MSCHAP_RESPONSE + 1);
    writer_bytes(&w, d->peer, sizeof(d->peer));
    writer_zero(&w, 8);
    writer_bytes(&w, d->response, sizeof(d->response));
    writer_u8(&w, 0);
    writer_bytes(&w, d->config.user, strlen(d->config.user));
    say(d, PPP_CHAP, CHAP_RESPONSE, id, reader_of(value, w.len));
}

static void
receive_chap(struct sstp_dial *d, uint8_t code, uint8_t id, struct reader data)
{
    char text[MSCHAP_AUTHENTICATOR_TEXT] = {0};
    struct mschap_keys keys;

    if (code == CHAP_CHALLENGE) {
        answer_challenge(d, id, data);
        return;
    }
    if (code != CHAP_SUCCESS) {
        end(d, "the server refuses the login");
        return;
    }
    memcpy(text, data.at, MIN(data.left, sizeof(text) - 1));
    if (!mschap_authenticator_is_right(text, d->hash_hash, d->response, d->hash) ||
        !mschap_server_keys(d->hash_hash, d->response, &keys)) {
        end(d, "the server does not know the password");
        return;
    }
    sstp_binding_set_keys(&d->binding, &keys);
    logged_in(d);
}

static void
send_pap(struct sstp_dial *d)
{
    uint8_t value[512];
    struct writer w = writer_of(value, sizeof(value));
    size_t user_len = strlen(d->config.user);
    size_t password_len = strlen(d->config.password);

    writer_u8(&w, (uint8_t)user_len);
    writer_bytes(&w, d->config.user, user_len);
    writer_u8(&w, (uint8_t)password_len);
    writer_bytes(&w, d->config.password, password_len);
    say(d, PPP_PAP, PAP_REQUEST, 1, reader_of(value, w.len));
}

/* ---- PPP ---- */

static uint16_t
auth_of(struct reader options)
{
    while (options.left > 2) {
        uint8_t type = reader_u8(&options);
        uint8_t len = reader_u8(&options);
        struct reader value = reader_sub(&options, len < 2 ? SIZE_MAX : len - 2U);
        if (type == OPTION_AUTH)
            return reader_u16(&value);
    }
    return 0;
}

static void
receive_lcp(struct sstp_dial *d, uint8_t code, uint8_t id, struct reader data)
{
    static const uint8_t pap[] = {OPTION_AUTH, 4, PPP_PAP >> 8, PPP_PAP & 0xff};

    if (code == PPP_CONFIGURE_REQUEST) {
        bool other = d->config.pap && auth_of(data) != PPP_PAP;
        say(d, PPP_LCP, other ? PPP_CONFIGURE_NAK : PPP_CONFIGURE_ACK, id,
            other ? reader_of(pap, sizeof(pap)) : data);
        d->lcp_theirs = !other;
    } else if (code == PPP_CONFIGURE_ACK) {
        d->lcp_ours = true;
    } else if (code == PPP_TERMINATE_REQUEST) {
        say(d, PPP_LCP, PPP_TERMINATE_ACK, id, reader_of(NULL, 0));
    } else if (code == PPP_CONFIGURE_NAK || code == PPP_CONFIGURE_REJECT) {
        end(d, "the server does not want our LCP options");
    }
    if (d->config.pap && d->lcp_ours && d->lcp_theirs && !d->asked) {
        d->asked = true;
        send_pap(d);
    }
}

static void
receive_ipcp(struct sstp_dial *d, uint8_t code, uint8_t id, struct reader data)
{
    if (code == PPP_CONFIGURE_REQUEST) {
        say(d, PPP_IPCP, PPP_CONFIGURE_ACK, id, data);
        d->ipcp_theirs = true;
    } else if (code == PPP_CONFIGURE_NAK) {
        (void)reader_u16(&data);
        d->ip4 = reader_u32(&data);
        ask_address(d, 2);
    } else if (code == PPP_CONFIGURE_ACK) {
        d->ipcp_ours = true;
    } else {
        end(d, "the server has no address");
    }
    if (d->ipcp_ours && d->ipcp_theirs && d->stage == LINK) {
        d->stage = UP;
        d->ops->up(d->owner, d, d->ip4);
    }
}

static void
receive_ppp(struct sstp_dial *d, uint16_t protocol, struct reader packet)
{
    struct reader in = packet;
    uint8_t code = reader_u8(&in);
    uint8_t id = reader_u8(&in);
    size_t len = reader_u16(&in);
    struct reader data = reader_sub(&in, len < PPP_HEADER ? SIZE_MAX : len - PPP_HEADER);

    if (!reader_ok(&data))
        end(d, "a malformed packet of PPP");
    else if (protocol == PPP_LCP)
        receive_lcp(d, code, id, data);
    else if (protocol == PPP_CHAP)
        receive_chap(d, code, id, data);
    else if (protocol == PPP_PAP && code == PAP_ACK)
        logged_in(d);
    else if (protocol == PPP_PAP)
        end(d, "the server refuses the login");
    else if (protocol == PPP_IPCP)
        receive_ipcp(d, code, id, data);
    else { /* IPv6 and the like are not wanted here */
        uint8_t bytes[256];
        struct writer w = writer_of(bytes, sizeof(bytes));
        writer_u16(&w, protocol);
        writer_bytes(&w, packet.at, packet.left);
        if (writer_ok(&w))
            say(d, PPP_LCP, PPP_PROTOCOL_REJECT, 77, reader_of(bytes, w.len));
    }
}

/* ---- records ---- */

static void
receive_control(struct sstp_dial *d, struct reader record)
{
    struct sstp_control m;
    struct reader value;
    uint8_t id = 0;

    if (!sstp_control_parse(record, &m)) {
        end(d, "a malformed record of SSTP");
    } else if (m.type == SSTP_CALL_CONNECT_ACK && d->stage == CALL) {
        static const uint8_t options[] = {1, 4, 5, 0xdc}; /* an MRU of 1500 */
        (void)sstp_next_attribute(&m.attributes, &id, &value);
        (void)reader_take(&value, 4);
        reader_copy(&value, d->binding.nonce, SSTP_NONCE);
        d->stage = LINK;
        say(d, PPP_LCP, PPP_CONFIGURE_REQUEST, 1, reader_of(options, sizeof(options)));
    } else if (m.type == SSTP_ECHO_REQUEST) {
        control(d, SSTP_ECHO_RESPONSE);
    } else if (m.type == SSTP_CALL_DISCONNECT) {
        control(d, SSTP_CALL_DISCONNECT_ACK);
        end(d, "the server has ended the call");
    } else if (m.type != SSTP_ECHO_RESPONSE) {
        end(d, m.type == SSTP_CALL_ABORT ? "the server has aborted the call" : "the call is over");
    }
}

static void
pass_on(struct sstp_dial *d, struct batch *b)
{
    if (b->n > 0 && d->stage == UP)
        d->ops->receive(d->owner, b);
    else
        batch_free_frames(b);
}

static void
take_packet(struct sstp_dial *d, struct reader ip, struct batch *b)
{
    struct frame *f = frame_new(worker_pool(d->config.worker), ip.left);
    uint8_t *at = f ? frame_put(f, ip.left) : NULL;

    if (!at) {
        frame_free(f);
        return;
    }
    memcpy(at, ip.at, ip.left);
    batch_add(b, f);
    if (batch_is_full(b))
        pass_on(d, b);
}

static void
take_data(struct sstp_dial *d, struct reader record, struct batch *b)
{
    (void)reader_take(&record, SSTP_HEADER);
    if (record.left >= 2 && record.at[0] == 0xff)
        (void)reader_take(&record, 2);
    uint16_t protocol = reader_u16(&record);
    if (protocol == PPP_IP4)
        take_packet(d, record, b);
    else if (d->stage == LINK || d->stage == UP)
        receive_ppp(d, protocol, record);
}

static size_t
take_records(struct sstp_dial *d, struct reader in)
{
    struct batch b = {0};

    while (d->stage != OVER && in.left > 0) {
        int len = sstp_record_length(in);
        if (len < 0)
            end(d, "what came is no SSTP");
        if (len <= 0 || (size_t)len > in.left)
            break;
        struct reader record = reader_sub(&in, (size_t)len);
        if (sstp_is_control(record.at))
            receive_control(d, record);
        else
            take_data(d, record, &b);
    }
    pass_on(d, &b);
    return d->stage == OVER ? 0 : in.left;
}

/* The answer to the request. Returns the bytes that are left behind it. */
static size_t
take_http(struct sstp_dial *d, struct reader in)
{
    static const uint8_t request[] = {SSTP_VERSION, 1, 0, 14, 0, 1, 0, 1, 0, 1, 0, 6, 0, 1};

    if (!memmem(in.at, in.left, "\r\n\r\n", 4))
        return in.left;
    if (!g_str_has_prefix((const char *)in.at, "HTTP/1.1 200 ")) {
        end(d, "the server does not take the call");
        return 0;
    }
    d->stage = CALL;
    put(d, request, sizeof(request));
    return 0; /* the server says nothing before */
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct sstp_dial *d = owner;
    uint8_t chunk[SSTP_RECORD_MAX + READ_CHUNK];

    (void)now_us;
    while (d->stage != OVER) {
        size_t n = tls_stream_read(d->stream, chunk + d->part_len, READ_CHUNK);
        if (n == 0)
            break;
        memcpy(chunk, d->part, d->part_len);
        size_t have = d->part_len + n;
        struct reader in = reader_of(chunk, have);
        d->part_len = d->stage == HTTP ? take_http(d, in) : take_records(d, in);
        if (d->part_len >= sizeof(d->part)) {
            end(d, "the server's answer is too long");
            break;
        }
        memcpy(d->part, chunk + have - d->part_len, d->part_len);
    }
}

/* ---- the connection ---- */

static void
on_open(void *owner, int64_t now_us)
{
    struct sstp_dial *d = owner;
    static const uint8_t no_nonce[SSTP_NONCE] = {0};
    X509 *cert = SSL_get1_peer_certificate(tls_stream_ssl(d->stream));

    (void)now_us;
    if (!cert || !sstp_binding_init(&d->binding, cert, no_nonce)) {
        end(d, "the server shows no certificate");
    } else {
        d->stage = HTTP;
        put(d, REQUEST, sizeof(REQUEST) - 1);
    }
    X509_free(cert);
}

static void
on_writable(void *owner, int64_t now_us)
{
    struct sstp_dial *d = owner;

    (void)now_us;
    if (d->stage == UP)
        d->ops->writable(d->owner);
}

static void
on_end(void *owner, enum tls_end why, int64_t now_us)
{
    (void)now_us;
    end(owner, why == TLS_END_HANDSHAKE ? "no TLS" : "the server has closed the connection");
}

static const struct tls_stream_ops stream_ops = {on_open, on_readable, on_writable, on_end};

static void
on_connected(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct sstp_dial *d = container_of(wfd, struct sstp_dial, wfd);

    (void)events;
    (void)now_us;
    worker_fd_remove(d->config.worker, wfd);
    wfd->ready = NULL;
    if (pf_socket_error(wfd->fd) != 0) {
        end(d, "the server cannot be reached");
        return;
    }
    pf_tcp_tune_tunnel(wfd->fd, TLS_UNSENT_LOW);
    struct tls_stream_config config = {.fd = wfd->fd, .ctx = d->config.ctx};
    d->stage = HANDSHAKE;
    d->stream = tls_stream_new(d->config.worker, &config, &stream_ops, d);
    wfd->fd = -1;
    if (!d->stream)
        end(d, "no TLS");
}

struct sstp_dial *
sstp_dial_new(const struct sstp_dial_config *config, const struct sstp_dial_ops *ops, void *owner)
{
    struct sstp_dial *d = g_new0(struct sstp_dial, 1);

    d->config = *config;
    d->ops = ops;
    d->owner = owner;
    d->bury.fn = on_bury;
    d->wfd = (struct worker_fd){.fd = pf_tcp_connect(config->server, config->server_len, 0, NULL),
                                .want = WORKER_WRITE,
                                .ready = on_connected};
    if (d->wfd.fd < 0 || !worker_fd_add(config->worker, &d->wfd)) {
        pf_close(d->wfd.fd);
        g_free(d);
        return NULL;
    }
    return d;
}
