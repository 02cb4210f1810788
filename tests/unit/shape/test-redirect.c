/* SPDX-License-Identifier: Apache-2.0 */
/* test-redirect.c - a client that is answered in the place of its server. */

#include "core/base/writer.h"
#include "core/hub/shape/redirect.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

#define URL "http://portal.example/?who=1"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

enum { KIND_4, KIND_6, KIND_TAGGED, N_KINDS };

static const uint8_t key[REDIRECT_KEY_LEN] = {1, 2, 3};

/* What the client sends. */
struct sent {
    unsigned kind;
    uint8_t flags;
    uint32_t seq, ack;
    const char *body;
    bool to_group, from_group, to_ip_group;
};

static struct frame *
make(struct frame_pool *pool, const struct sent *s)
{
    size_t len = s->body ? strlen(s->body) : 0;
    struct frame *f = frame_new(pool, 200 + len);
    g_assert(f);
    struct writer w = writer_of(f->data, 200 + len);
    const struct mac server = {{(uint8_t)(s->to_group ? 3 : 2), 0, 0, 0, 0, 1}};
    const struct mac client = {{(uint8_t)(s->from_group ? 3 : 2), 0, 0, 0, 0, 2}};
    writer_bytes(&w, server.b, 6);
    writer_bytes(&w, client.b, 6);
    if (s->kind == KIND_TAGGED)
        writer_u32(&w, 0x81002007);
    writer_u16(&w, s->kind == KIND_6 ? ETH_TYPE_IP6 : ETH_TYPE_IP4);
    if (s->kind == KIND_6) {
        struct ip6 ip = {.next = IP_PROTO_TCP,
                         .hop_limit = 64,
                         .payload_len = (uint16_t)(TCP_HEADER + len),
                         .src = {0xfd, [15] = 2},
                         .dst = {(uint8_t)(s->to_ip_group ? 0xff : 0xfd), [15] = 1}};
        ip6_write(&w, &ip);
    } else {
        const struct ip4 ip = {.header_len = IP4_HEADER,
                               .ttl = 64,
                               .proto = IP_PROTO_TCP,
                               .total_len = (uint16_t)(IP4_HEADER + TCP_HEADER + len),
                               .src = 0x0a000002,
                               .dst = s->to_ip_group ? 0xe0000001 : 0x0a000001};
        ip4_write(&w, &ip);
    }
    writer_u16(&w, 40000);
    writer_u16(&w, 80);
    writer_u32(&w, s->seq);
    writer_u32(&w, s->ack);
    writer_u8(&w, 5 << 4);
    writer_u8(&w, s->flags);
    writer_u16(&w, 1000);
    writer_u32(&w, 0);
    writer_bytes(&w, s->body, len);
    g_assert_true(writer_ok(&w));
    g_assert(frame_put(f, w.len));
    return f;
}

/* The answer, checked as far as all answers are alike; false: none. */
static bool
ask(struct frame_pool *pool, const struct sent *s, const char *location, struct tcp *out)
{
    struct frame *f = make(pool, s);
    struct flow fl;
    g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
    struct frame *a = redirect_answer(key, f, &fl, location, pool);
    if (a) {
        struct flow back;
        g_assert_cmpint(flow_of_frame(a, &back), ==, DROP_NONE);
        g_assert_cmpmem(a->data, 6, f->data + 6, 6);
        g_assert_cmpmem(a->data + 6, 6, f->data, 6);
        g_assert_cmpmem(a->data + 12, back.l3 - 12u, f->data + 12, fl.l3 - 12u); /* the tag */
        g_assert_cmpmem(back.src, 16, fl.dst, 16);
        g_assert_cmpmem(back.dst, 16, fl.src, 16);
        g_assert_cmpuint(back.sport, ==, fl.dport);
        g_assert_cmpuint(back.dport, ==, fl.sport);
        g_assert_cmpuint(back.end, ==, a->len);
        uint16_t len = (uint16_t)(back.end - back.l4);
        uint64_t sum = back.version == 4 ? csum_pseudo4(back.src, back.dst, IP_PROTO_TCP, len)
                                         : csum_pseudo6(back.src, back.dst, IP_PROTO_TCP, len);
        g_assert_true(csum_is_good(csum_add(sum, a->data + back.l4, len)));
        if (back.version == 4)
            g_assert_true(ip4_checksum_is_good(a->data + back.l3, IP4_HEADER));
        static uint8_t copy[2048];
        memcpy(copy, a->data + back.l4, len);
        g_assert_cmpint(tcp_parse(reader_of(copy, len), out), ==, DROP_NONE);
        frame_free(a);
    }
    frame_free(f);
    return a != NULL;
}

static void
has_text(const struct tcp *tcp, const char *text)
{
    g_autofree char *body = g_strndup((const char *)tcp->body.at, tcp->body.left);
    g_assert_nonnull(strstr(body, text));
}

static void
test_connection(void)
{
    struct frame_pool *pool = frame_pool_new(4);
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        struct tcp tcp;
        struct sent s = {.kind = kind, .flags = TCP_SYN | TCP_ECE | TCP_CWR, .seq = 1000};
        g_assert_true(ask(pool, &s, NULL, &tcp));
        g_assert_cmpuint(tcp.flags, ==, TCP_SYN | TCP_ACK);
        g_assert_cmpuint(tcp.ack, ==, 1001);
        uint16_t mss = 0;
        g_assert_true(tcp_find_mss(tcp.options, &mss));
        g_assert_cmpuint(mss, >=, 536);
        uint32_t isn = tcp.seq;
        g_assert_true(ask(pool, &s, NULL, &tcp)); /* again: the same */
        g_assert_cmpuint(tcp.seq, ==, isn);

        s = (struct sent){.kind = kind, .flags = TCP_ACK, .seq = 1001, .ack = isn + 1};
        g_assert_false(ask(pool, &s, URL, &tcp));
        s.flags = TCP_ACK | TCP_PSH;
        s.body = GET;
        g_assert_false(ask(pool, &s, NULL, &tcp));
        g_assert_true(ask(pool, &s, URL, &tcp));
        g_assert_cmpuint(tcp.flags, ==, TCP_FIN | TCP_PSH | TCP_ACK);
        g_assert_cmpuint(tcp.seq, ==, isn + 1);
        g_assert_cmpuint(tcp.ack, ==, 1001 + strlen(GET));
        has_text(&tcp, "HTTP/1.1 302 Found\r\nLocation: " URL "\r\n");
        uint32_t all = (uint32_t)tcp.body.left;

        s = (struct sent){.kind = kind,
                          .flags = TCP_ACK,
                          .seq = (uint32_t)(1001 + strlen(GET)),
                          .ack = isn + 1 + all + 1};
        g_assert_false(ask(pool, &s, URL, &tcp)); /* it has our FIN */
        s.flags = TCP_FIN | TCP_ACK;
        g_assert_true(ask(pool, &s, URL, &tcp));
        g_assert_cmpuint(tcp.flags, ==, TCP_ACK);
        g_assert_cmpuint(tcp.seq, ==, isn + 1 + all + 1);
        g_assert_cmpuint(tcp.ack, ==, 1001 + strlen(GET) + 1);

        s = (struct sent){.kind = kind, .flags = TCP_FIN | TCP_ACK, .seq = 1001, .ack = isn + 1};
        g_assert_true(ask(pool, &s, URL, &tcp)); /* hangs up without a word */
        g_assert_cmpuint(tcp.flags, ==, TCP_FIN | TCP_ACK);
        g_assert_cmpuint(tcp.seq, ==, isn + 1);
        g_assert_cmpuint(tcp.ack, ==, 1002);
        g_assert_cmpuint(tcp.body.left, ==, 0);
    }
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);
}

static void
test_silence(void)
{
    struct frame_pool *pool = frame_pool_new(4);
    static const struct sent quiet[] = {
        {.flags = TCP_RST},
        {.flags = TCP_RST | TCP_ACK},
        {.flags = TCP_RST | TCP_SYN},
        {.flags = TCP_SYN | TCP_ACK},
        {.flags = TCP_SYN | TCP_FIN},
        {.flags = 0, .body = GET},
        {.flags = TCP_FIN},
        {.flags = TCP_SYN, .to_group = true},
        {.flags = TCP_SYN, .from_group = true},
        {.flags = TCP_SYN, .to_ip_group = true},
        {.flags = TCP_SYN, .to_ip_group = true, .kind = KIND_6},
    };
    struct tcp tcp;
    for (unsigned i = 0; i < G_N_ELEMENTS(quiet); i++)
        g_assert_false(ask(pool, &quiet[i], URL, &tcp));
    /* A connection that is older than the rule is reset, once for each thing it says. */
    struct sent s = {.flags = TCP_ACK, .seq = 5, .ack = 12345, .body = GET};
    g_assert_true(ask(pool, &s, URL, &tcp));
    g_assert_cmpuint(tcp.flags, ==, TCP_RST);
    g_assert_cmpuint(tcp.seq, ==, 12345);
    frame_pool_free(pool);
}

static void
test_url(void)
{
    struct redirect_who who = {.user = "alice", .session = "SID-ALICE-1", .wall_ms = 1700000000000};
    char out[REDIRECT_URL_MAX + 1];
    g_assert_true(ip_parse("192.0.2.7", &who.client));
    g_assert_true(redirect_url(" http://a.example/x|y ", &who, out));
    g_assert_cmpstr(out, ==, "http://a.example/x|y");
    g_assert_true(redirect_url("http://a.example/?<INFO>", &who, out));
    g_assert_cmpstr(out, ==, "http://a.example/?alice|SID-ALICE-1|192.0.2.7|20231114221320");
    g_assert_true(redirect_url("http://a.example/?<INFO>&b=1|secret", &who, out));
    g_autofree char *digest = g_compute_checksum_for_string(
        G_CHECKSUM_SHA1, "alice|SID-ALICE-1|192.0.2.7|20231114221320|secret", -1);
    g_autofree char *upper = g_ascii_strup(digest, -1);
    g_autofree char *expected = g_strdup_printf(
        "http://a.example/?alice|SID-ALICE-1|192.0.2.7|20231114221320|%s&b=1", upper);
    g_assert_cmpstr(out, ==, expected);
    who.user = "a\r\nSet-Cookie: x <b>";
    g_assert_true(redirect_url("http://a.example/?<INFO>", &who, out));
    g_assert_null(strpbrk(out, "\r\n <>"));
    g_assert_true(g_str_has_prefix(out, "http://a.example/?a%0D%0ASet-Cookie:%20x%20%3Cb%3E|"));
    g_autofree char *lots = g_strnfill(250, ' ');
    who.user = lots;
    who.session = lots;
    g_assert_false(redirect_url("http://a.example/?<INFO>", &who, out));
    g_assert_false(redirect_url("<INFO><INFO><INFO><INFO><INFO><INFO><INFO><INFO>", &who, out));
    /* The longest that is allowed fits into an answer. */
    struct frame_pool *pool = frame_pool_new(4);
    g_autofree char *url = g_strnfill(REDIRECT_URL_MAX, 'u');
    struct tcp tcp;
    struct sent s = {.flags = TCP_SYN};
    g_assert_true(ask(pool, &s, url, &tcp));
    s = (struct sent){.flags = TCP_ACK, .ack = tcp.seq + 1, .body = GET};
    g_assert_true(ask(pool, &s, url, &tcp));
    has_text(&tcp, url);
    frame_pool_free(pool);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/redirect/connection", test_connection);
    g_test_add_func("/redirect/silence", test_silence);
    g_test_add_func("/redirect/url", test_url);
    return g_test_run();
}
