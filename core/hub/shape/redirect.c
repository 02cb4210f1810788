/* SPDX-License-Identifier: Apache-2.0 */
/* redirect.c - see redirect.h. Section numbers are RFC 9293's. */

#include "core/hub/shape/redirect.h"

#include "core/base/writer.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum {
    SHA256_LEN = 32,
    SHA1_TEXT = 40,
    WINDOW = 0xffff,
    MSS = 1220, /* we take no more than a request anyway */
    MSS_OPTION = 4,
};

/* ---- the URL ---- */

static void
put_escaped(GString *to, const char *from)
{
    for (const char *c = from; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (u > ' ' && u < 0x7f && !strchr("\"<>\\^`{}", *c))
            g_string_append_c(to, *c);
        else
            g_string_append_printf(to, "%%%02X", u);
    }
}

/* USER|SESSION|ADDRESS|TIME, and the digest if there is a secret. */
static char *
info_of(const struct redirect_who *who, const char *secret)
{
    char address[IP_TEXT];
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(who->wall_ms / 1000);
    g_autofree char *time = when ? g_date_time_format(when, "%Y%m%d%H%M%S") : g_strdup("");
    g_autofree char *words =
        g_strdup_printf("%.200s|%.200s|%s|%s%s", who->user, who->session,
                        ip_print(&who->client, address), time, secret ? "|" : "");
    if (!secret)
        return g_steal_pointer(&words);
    g_autofree char *all = g_strconcat(words, secret, NULL);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA1, all, -1);
    g_autofree char *upper = g_ascii_strup(digest, SHA1_TEXT);
    return g_strconcat(words, upper, NULL);
}

bool
redirect_url(const char *url, const struct redirect_who *who, char out[REDIRECT_URL_MAX + 1])
{
    static const char tag[] = "<INFO>";
    g_autofree char *shown = g_strstrip(g_strdup(url));
    g_autoptr(GString) made = g_string_new(NULL);
    g_autofree char *info = NULL;
    if (strstr(shown, tag)) {
        char *bar = strrchr(shown, '|');
        info = info_of(who, bar && bar[1] ? bar + 1 : NULL);
        if (bar)
            *bar = '\0';
    }
    const char *at = shown;
    for (const char *next; info && (next = strstr(at, tag)); at = next + strlen(tag)) {
        g_autofree char *piece = g_strndup(at, (gsize)(next - at));
        put_escaped(made, piece);
        put_escaped(made, info);
        if (made->len > REDIRECT_URL_MAX)
            return false;
    }
    put_escaped(made, at);
    if (made->len > REDIRECT_URL_MAX)
        return false;
    memcpy(out, made->str, made->len + 1);
    return true;
}

/* ---- the client's segment ---- */

/* What is to be said. */
struct reply {
    uint8_t flags; /* 0: nothing */
    uint32_t seq, ack;
    bool has_url;
};

static uint32_t
cookie_of(const uint8_t key[REDIRECT_KEY_LEN], const struct flow *fl)
{
    uint8_t digest[SHA256_LEN];
    gsize len = sizeof(digest);
    uint8_t ports[] = {(uint8_t)(fl->sport >> 8), (uint8_t)fl->sport, (uint8_t)(fl->dport >> 8),
                       (uint8_t)fl->dport, fl->version};
    GHmac *h = g_hmac_new(G_CHECKSUM_SHA256, key, REDIRECT_KEY_LEN);
    g_hmac_update(h, fl->src, sizeof(fl->src));
    g_hmac_update(h, fl->dst, sizeof(fl->dst));
    g_hmac_update(h, ports, sizeof(ports));
    g_hmac_get_digest(h, digest, &len);
    g_hmac_unref(h);
    return wire_get32(digest);
}

/* Only what one host says to another: an answer to anything else would be an attack on somebody. */
static bool
is_between_hosts(const struct frame *f, const struct flow *fl)
{
    static const uint8_t unspecified[16];
    if (eth_is_group(f->data) || eth_is_group(f->data + sizeof(struct mac)))
        return false;
    if (fl->version == 4)
        return ip4_is_host(wire_get32(fl->src)) && ip4_is_host(wire_get32(fl->dst));
    return fl->src[0] != 0xff && fl->dst[0] != 0xff &&
           memcmp(fl->src, unspecified, sizeof(unspecified)) != 0 &&
           memcmp(fl->dst, unspecified, sizeof(unspecified)) != 0;
}

static bool
read_segment(const struct frame *f, const struct flow *fl, struct tcp *out)
{
    if (fl->proto != IP_PROTO_TCP || fl->l4 == 0 || fl->end > f->len || fl->end < fl->l4 ||
        (fl->flags & (FLOW_FRAGMENT | FLOW_ROUTED)) || !is_between_hosts(f, fl))
        return false;
    return tcp_parse(reader_of(f->data + fl->l4, fl->end - fl->l4), out) == DROP_NONE;
}

/* 3.10.7.1 and 3.10.7.4, for a connection that we know nothing of but what the segment says. */
static struct reply
reply_to(const uint8_t key[REDIRECT_KEY_LEN], const struct flow *fl, const struct tcp *tcp)
{
    struct reply none = {.flags = 0};
    uint32_t len = (uint32_t)tcp->body.left;
    uint32_t fin = (tcp->flags & TCP_FIN) ? 1 : 0;
    if (tcp->flags & TCP_RST)
        return none;
    uint32_t cookie = cookie_of(key, fl);
    if (tcp->flags & TCP_SYN) {
        if (tcp->flags & (TCP_ACK | TCP_FIN))
            return none;
        return (struct reply){.flags = TCP_SYN | TCP_ACK, .seq = cookie, .ack = tcp->seq + 1};
    }
    if (!(tcp->flags & TCP_ACK))
        return none;
    uint32_t behind = tcp->ack - (cookie + 1); /* how much of our answer is there already */
    struct reply r = {.flags = TCP_ACK, .seq = tcp->ack, .ack = tcp->seq + len + fin};
    if (behind > REDIRECT_ANSWER_MAX + 1) {
        r = (struct reply){.flags = TCP_RST, .seq = tcp->ack};
    } else if (behind == 0 && len > 0) {
        r.flags = TCP_FIN | TCP_PSH | TCP_ACK;
        r.has_url = true;
    } else if (behind == 0 && fin) {
        r.flags = TCP_FIN | TCP_ACK;
    } else if (len == 0 && !fin) {
        return none;
    }
    return r;
}

bool
redirect_needs_url(const uint8_t key[REDIRECT_KEY_LEN], const struct frame *f,
                   const struct flow *flow)
{
    struct tcp tcp;
    return read_segment(f, flow, &tcp) && reply_to(key, flow, &tcp).has_url;
}

/* ---- ours ---- */

static void
write_ip(struct writer *w, const struct flow *fl, size_t tcp_len)
{
    if (fl->version == 4) {
        const struct ip4 ip = {
            .header_len = IP4_HEADER,
            .ttl = IP4_TTL,
            .proto = IP_PROTO_TCP,
            .total_len = (uint16_t)(IP4_HEADER + tcp_len),
            .fragment = IP4_DF,
            .src = wire_get32(fl->dst),
            .dst = wire_get32(fl->src),
        };
        ip4_write(w, &ip);
        return;
    }
    struct ip6 ip = {.next = IP_PROTO_TCP, .hop_limit = IP4_TTL, .payload_len = (uint16_t)tcp_len};
    memcpy(ip.src, fl->dst, sizeof(ip.src));
    memcpy(ip.dst, fl->src, sizeof(ip.dst));
    ip6_write(w, &ip);
}

static uint16_t
checksum_of(const struct flow *fl, const uint8_t *tcp, size_t len)
{
    uint64_t sum = fl->version == 4 ? csum_pseudo4(fl->dst, fl->src, IP_PROTO_TCP, (uint16_t)len)
                                    : csum_pseudo6(fl->dst, fl->src, IP_PROTO_TCP, (uint32_t)len);
    return csum_finish(csum_add(sum, tcp, len));
}

static struct frame *
write_reply(const struct frame *in, const struct flow *fl, const struct reply *r, const char *body,
            struct frame_pool *pool)
{
    size_t body_len = strlen(body);
    bool is_syn = r->flags & TCP_SYN;
    size_t tcp_len = TCP_HEADER + (is_syn ? MSS_OPTION : 0) + body_len;
    size_t l4 = fl->l3 + (fl->version == 4 ? (size_t)IP4_HEADER : (size_t)IP6_HEADER);
    struct frame *f = frame_new(pool, l4 + tcp_len);
    uint8_t *at = f ? frame_put(f, l4 + tcp_len) : NULL;
    if (!at)
        return NULL;
    struct writer w = writer_of(at, l4 + tcp_len);
    writer_bytes(&w, in->data + sizeof(struct mac), sizeof(struct mac));
    writer_bytes(&w, in->data, sizeof(struct mac));
    writer_bytes(&w, in->data + 2 * sizeof(struct mac), fl->l3 - 2 * sizeof(struct mac));
    write_ip(&w, fl, tcp_len);
    writer_u16(&w, fl->dport);
    writer_u16(&w, fl->sport);
    writer_u32(&w, r->seq);
    writer_u32(&w, r->ack);
    writer_u8(&w, (uint8_t)((TCP_HEADER + (is_syn ? MSS_OPTION : 0)) / 4 << 4));
    writer_u8(&w, r->flags);
    writer_u16(&w, r->flags & TCP_RST ? 0 : WINDOW);
    writer_u32(&w, 0); /* checksum, urgent */
    if (is_syn) {
        writer_u16(&w, 0x0204);
        writer_u16(&w, MSS);
    }
    writer_bytes(&w, body, body_len);
    g_assert(writer_ok(&w));
    wire_put16(at + l4 + TCP_AT_CHECKSUM, checksum_of(fl, at + l4, tcp_len));
    f->flags = FRAME_CSUM_OK;
    return f;
}

struct frame *
redirect_answer(const uint8_t key[REDIRECT_KEY_LEN], const struct frame *f, const struct flow *flow,
                const char *location, struct frame_pool *pool)
{
    struct tcp tcp;
    if (!read_segment(f, flow, &tcp))
        return NULL;
    const struct reply r = reply_to(key, flow, &tcp);
    if (r.flags == 0 || (r.has_url && !location))
        return NULL;
    char body[REDIRECT_ANSWER_MAX + 1] = "";
    if (r.has_url) {
        int len = g_snprintf(body, sizeof(body),
                             "HTTP/1.1 302 Found\r\nLocation: %s\r\nCache-Control: no-store\r\n"
                             "Content-Length: 0\r\nConnection: close\r\n\r\n",
                             location);
        if (len < 0 || (size_t)len >= sizeof(body))
            return NULL;
    }
    return write_reply(f, flow, &r, body, pool);
}
