/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h. */

#include "tests/unit/ipsec/client.h"

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/net/ip4.h"
#include "core/net/ip_fragment.h"
#include "core/net/wire.h"

#include <glib.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MARKER = 4, UDP_HEAD = 8, KIND_NONE = 0, KIND_IKE, KIND_ESP, IN_IPV4 = 4, MESSAGE_5 = 5 };

static struct sockaddr_in
address(const char *ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    g_assert_cmpint(inet_pton(AF_INET, ip, &in.sin_addr), ==, 1);
    return in;
}

static int
open_socket(const struct client_config *c)
{
    struct sockaddr_in at = address(c->from ? c->from : "127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    return fd;
}

static void
send_to(struct client *t, uint16_t port, const void *at, size_t len)
{
    struct sockaddr_in to = address("127.0.0.1", port);

    g_assert_cmpint(sendto(t->fd, at, len, 0, (struct sockaddr *)&to, sizeof(to)), ==, (long)len);
}

void
client_flush(struct client *t)
{
    struct initiator *i = &t->ike;
    uint8_t bytes[MARKER + sizeof(i->out)] = {0};

    if (i->out_len == 0)
        return;
    memcpy(bytes + MARKER, i->out, i->out_len);
    /* It floats with message 5, the third of ours. */
    bool first = i->sent_first < MESSAGE_5;
    if (first)
        send_to(t, t->c.ike_port, i->out, i->out_len);
    else
        send_to(t, t->c.nat_port, bytes, MARKER + i->out_len);
    i->out_len = 0;
}

static bool
open_payload(struct client *t, uint8_t *at, size_t len, bool *old)
{
    struct esp_opened o;
    uint32_t spi = wire_get32(at);
    bool is_old = spi != t->spi_in;
    struct esp_in *in = is_old ? t->old_in : t->in;

    if (!in || esp_in_open(in, at, len, &o) != DROP_NONE)
        return false;
    size_t skip = 0;
    if (t->c.tunnel) {
        g_assert_cmpuint(o.next_header, ==, IN_IPV4);
        skip = IP4_HEADER;
        if (wire_get16(o.data + IP4_AT_FRAGMENT) & (IP4_MF | IP4_OFFSET)) {
            /* Pieces come in order here. */
            size_t offset = (size_t)(wire_get16(o.data + IP4_AT_FRAGMENT) & IP4_OFFSET) * 8;
            memcpy(t->got + offset, o.data + skip, o.len - skip);
            t->got_len = offset + o.len - skip;
            if (wire_get16(o.data + IP4_AT_FRAGMENT) & IP4_MF)
                return false;
            memmove(t->got, t->got + UDP_HEAD, t->got_len - UDP_HEAD);
            t->got_len -= UDP_HEAD;
            *old = is_old;
            return true;
        }
    }
    if (t->c.protocol == 17 || t->c.protocol == 0)
        skip += UDP_HEAD;
    g_assert_cmpuint(o.len, >=, skip);
    t->got_len = o.len - skip;
    memcpy(t->got, o.data + skip, t->got_len);
    *old = is_old;
    return true;
}

/* One datagram. */
static int
take(struct client *t, int wait_ms, bool *old)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    static uint8_t bytes[65536];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);

    if (poll(&p, 1, wait_ms) != 1)
        return KIND_NONE;
    ssize_t n = recvfrom(t->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
    if (n < MARKER)
        return KIND_IKE; /* a keepalive */
    bool nat = ntohs(from.sin_port) == t->c.nat_port;
    if (nat && wire_get32(bytes) != 0)
        return open_payload(t, bytes, (size_t)n, old) ? KIND_ESP : KIND_IKE;
    size_t skip = nat ? MARKER : 0;
    if ((size_t)n < skip + ISAKMP_HEADER ||
        memcmp(bytes + skip, t->ike.cookies, ISAKMP_COOKIE) != 0)
        return KIND_IKE; /* of an SA of before */
    initiator_receive(&t->ike, reader_of(bytes + skip, (size_t)n - skip));
    client_flush(t);
    return KIND_IKE;
}

void
client_init(struct client *t, const struct client_config *c)
{
    *t = (struct client){.c = *c};
    t->fd = open_socket(c);
    t->suite = (struct esp_suite){.cipher = ESP_AES_GCM_16, .integrity = ESP_AEAD, .key_bits = 128};
}

void
client_move(struct client *t)
{
    close(t->fd);
    t->fd = open_socket(&t->c);
}

bool
client_phase1(struct client *t)
{
    struct initiator_config c = {
        .suite = {.cipher = IKE1_AES_CBC,
                  .key_bits = 256,
                  .hash = IKE1_SHA256,
                  .auth = t->c.cert ? IKE1_RSA : IKE1_PSK,
                  .group = 19,
                  .life_s = 3600},
        .psk = t->c.psk ? t->c.psk : "secret",
        .vendors = IKE1_VENDOR_NATT_RFC | IKE1_VENDOR_DPD,
        .us = {.ip = ip_from_v4(0x0a090909), .port = 500}, /* behind a NAT */
        .peer = {.ip = ip_from_v4(0x7f000001), .port = 500},
        .cert = t->c.cert,
        .other_cert = t->c.other_cert,
        .key = t->c.key,
        .fqdn = t->c.fqdn,
        .initial_contact = t->c.initial_contact,
    };

    initiator_done(&t->ike);
    initiator_init(&t->ike, &c);
    random_bytes(t->ike.cookies, ISAKMP_COOKIE);
    t->ike.answer_dpd = true;
    initiator_begin(&t->ike);
    client_flush(t);
    int64_t until_us = clock_now_us() + CLIENT_WAIT_MS * 1000;
    bool old;
    while (!t->ike.up && !t->ike.failed && clock_now_us() < until_us)
        if (take(t, t->c.wait_ms ? t->c.wait_ms : CLIENT_WAIT_MS, &old) == KIND_NONE)
            return false;
    return t->ike.up;
}

bool
client_quick(struct client *t)
{
    struct initiator_quick q = {
        .suite = {.esp = t->suite, .tunnel = t->c.tunnel, .life_s = 3600},
        .nat = true,
        .ids = t->c.protocol == 17 || t->c.protocol == 0,
        .spi = 0x10000000 + t->quicks++,
    };
    unsigned before = t->ike.children;
    bool old;

    initiator_quick(&t->ike, &q);
    client_flush(t);
    while (t->ike.children == before)
        if (take(t, CLIENT_WAIT_MS, &old) == KIND_NONE)
            return false;
    esp_in_free(t->old_in);
    esp_out_free(t->old_out);
    t->old_in = t->in;
    t->old_out = t->out;
    const struct initiator_child *c = &t->ike.child;
    t->spi_in = c->spi_in;
    t->spi_out = c->spi_out;
    t->in = esp_in_new(&t->suite, c->spi_in, c->in);
    t->out = esp_out_new(&t->suite, c->spi_out, c->out);
    return true;
}

bool
client_connect(struct client *t)
{
    return client_phase1(t) && client_quick(t);
}

void
client_done(struct client *t)
{
    close(t->fd);
    esp_in_free(t->in);
    esp_in_free(t->old_in);
    esp_out_free(t->out);
    esp_out_free(t->old_out);
    initiator_done(&t->ike);
}

/* ---- payloads ---- */

static size_t
write_headers(const struct client *t, uint16_t inner_port, size_t len, uint8_t *at)
{
    uint8_t protocol = t->c.protocol ? t->c.protocol : 17;
    size_t udp = protocol == 17 ? UDP_HEAD : 0;
    struct writer w = writer_of(at, IP4_HEADER + UDP_HEAD);

    if (t->c.tunnel) {
        struct ip4 ip = {.ttl = 64,
                         .proto = protocol,
                         .total_len = (uint16_t)(IP4_HEADER + udp + len),
                         .src = 0x0a090909,
                         .dst = 0x7f000001};
        ip4_write(&w, &ip);
    }
    if (udp > 0) {
        writer_u16(&w, inner_port);
        writer_u16(&w, CARRIER_L2TP_PORT);
        writer_u16(&w, (uint16_t)(UDP_HEAD + len));
        writer_u16(&w, 0x1234); /* a NAT has made it wrong */
    }
    return w.len;
}

static void
seal_and_send(struct client *t, struct esp_out *out, const struct pf_slice *in, unsigned n,
              uint8_t next_header)
{
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += in[i].len;
    g_autofree uint8_t *packet = g_malloc(esp_out_size(out, len));
    size_t sealed = esp_out_seal(out, in, n, next_header, packet);
    g_assert_cmpuint(sealed, >, 0);
    send_to(t, t->c.nat_port, packet, sealed);
}

/* A long packet inside of a tunnel, as a router would cut it; the last piece comes first. */
static void
send_in_pieces(struct client *t, struct esp_out *out, const struct pf_slice in[2])
{
    g_autofree uint8_t *packet = g_malloc(in[0].len + in[1].len);
    uint8_t head[2][IP_SPLIT_HEADER_MAX];
    struct pf_slice piece[2][2];
    struct ip_split s;
    struct reader payload;
    unsigned n = 0;

    memcpy(packet, in[0].at, in[0].len);
    memcpy(packet + in[0].len, in[1].at, in[1].len);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, in[0].len + in[1].len), 1400, 7), ==,
                    DROP_NONE);
    for (; ip_split_next(&s, &payload); n++) {
        g_assert_cmpuint(n, <, 2);
        memcpy(head[n], s.header, s.header_len);
        piece[n][0] = (struct pf_slice){head[n], s.header_len};
        piece[n][1] = (struct pf_slice){(void *)(uintptr_t)payload.at, payload.left};
    }
    while (n-- > 0)
        seal_and_send(t, out, piece[n], 2, IN_IPV4);
}

void
client_send(struct client *t, uint16_t inner_port, const void *at, size_t len, bool old)
{
    struct esp_out *out = old ? t->old_out : t->out;
    uint8_t head[IP4_HEADER + UDP_HEAD];
    uint8_t protocol = t->c.protocol ? t->c.protocol : 17;
    struct pf_slice in[2] = {{head, write_headers(t, inner_port, len, head)},
                             {(void *)(uintptr_t)at, len}};

    if (t->c.tunnel && len > 1400)
        send_in_pieces(t, out, in);
    else
        seal_and_send(t, out, in, 2, t->c.tunnel ? IN_IPV4 : protocol);
}

bool
client_receive(struct client *t, int wait_ms, bool *old)
{
    bool unused = false;

    for (;;) {
        int kind = take(t, wait_ms, old ? old : &unused);
        if (kind != KIND_IKE)
            return kind == KIND_ESP;
    }
}

bool
client_echo(struct client *t, uint16_t inner_port, size_t len)
{
    g_autofree uint8_t *bytes = g_malloc(len);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + inner_port + i / 251);
    client_send(t, inner_port, bytes, len, false);
    return client_receive(t, CLIENT_WAIT_MS, NULL) && t->got_len == len &&
           memcmp(t->got, bytes, len) == 0;
}
