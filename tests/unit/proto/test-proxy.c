/* SPDX-License-Identifier: Apache-2.0 */
/* test-proxy.c - the words of each proxy protocol, whole, byte by byte, and from liars. */
#include "core/base/error.h"
#include "core/proto/proxy.h"

#include <glib.h>

#include <string.h>

/* Bytes with their length, NULs included. */
struct bytes {
    const char *at;
    size_t len;
};
#define B(text)                  \
    {                            \
        (text), sizeof(text) - 1 \
    }

enum { ROUNDS = 3 };

/* What is said in turn; the first say comes before anything is heard. */
static const struct talk {
    const char *name;
    enum proxy_kind kind;
    const char *host, *user, *password;
    const char *ip; /* NULL: not known */
    struct bytes say[ROUNDS], hear[ROUNDS];
    int code; /* how it ends */
} talks[] = {
    {.name = "http",
     .kind = PROXY_HTTP,
     .host = "vpn.example",
     .say = {B("CONNECT vpn.example:443 HTTP/1.1\r\nHost: vpn.example:443\r\n"
               "User-Agent: Polyether\r\nProxy-Connection: keep-alive\r\n\r\n")},
     .hear = {B("HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n")}},
    {.name = "http-login",
     .kind = PROXY_HTTP,
     .host = "2001:db8::1",
     .user = "anna",
     .password = "",
     .say = {B("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
               "Proxy-Authorization: Basic YW5uYTo=\r\n"
               "User-Agent: Polyether\r\nProxy-Connection: keep-alive\r\n\r\n")},
     .hear = {B("HTTP/1.1 204 x\n\n")}},
    {.name = "http-interim",
     .kind = PROXY_HTTP,
     .host = "h",
     .say = {B("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n"
               "User-Agent: Polyether\r\nProxy-Connection: keep-alive\r\n\r\n")},
     .hear = {B("HTTP/1.1 100 Continue\r\n\r\n"), B("HTTP/1.1 200 OK\r\n\r\n")}},
    {.name = "http-407",
     .kind = PROXY_HTTP,
     .host = "h",
     .hear = {B("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\n")},
     .code = PE_PROXY_AUTH_FAILED},
    {.name = "http-502",
     .kind = PROXY_HTTP,
     .host = "h",
     .hear = {B("HTTP/1.1 502 Bad Gateway\r\n\r\n")},
     .code = PE_CONNECT_FAILED},
    {.name = "http-500",
     .kind = PROXY_HTTP,
     .host = "h",
     .hear = {B("HTTP/1.1 500 No\r\n\r\n")},
     .code = PE_PROXY_ERROR},
    {.name = "http-not-http",
     .kind = PROXY_HTTP,
     .host = "h",
     .hear = {B("SSH-2.0-OpenSSH\r\n\r\n")},
     .code = PE_PROXY_ERROR},
    {.name = "socks4-address",
     .kind = PROXY_SOCKS4,
     .host = "vpn.example",
     .user = "anna",
     .ip = "192.0.2.9",
     .say = {B("\x04\x01\x01\xbb\xc0\x00\x02\x09"
               "anna\0")},
     .hear = {B("\0\x5a\x01\xbb\xc0\0\x02\x09")}},
    {.name = "socks4a-name",
     .kind = PROXY_SOCKS4,
     .host = "vpn.example",
     .say = {B("\x04\x01\x01\xbb\0\0\0\x01\0vpn.example\0")},
     .hear = {B("\0\x5a\0\0\0\0\0\0")}},
    {.name = "socks4-rejected",
     .kind = PROXY_SOCKS4,
     .host = "h",
     .hear = {B("\0\x5b\0\0\0\0\0\0")},
     .code = PE_PROXY_ERROR},
    {.name = "socks4-user",
     .kind = PROXY_SOCKS4,
     .host = "h",
     .hear = {B("\0\x5d\0\0\0\0\0\0")},
     .code = PE_PROXY_AUTH_FAILED},
    {.name = "socks4-not-socks",
     .kind = PROXY_SOCKS4,
     .host = "h",
     .hear = {B("HTTP/1.1")},
     .code = PE_PROXY_ERROR},
    {.name = "socks5-name",
     .kind = PROXY_SOCKS5,
     .host = "vpn.example",
     .say = {B("\x05\x01\x00"), B("\x05\x01\x00\x03\x0bvpn.example\x01\xbb")},
     .hear = {B("\x05\x00"), B("\x05\x00\x00\x01\x7f\x00\x00\x01\x04\xd2")}},
    {.name = "socks5-login",
     .kind = PROXY_SOCKS5,
     .host = "192.0.2.9",
     .user = "anna",
     .password = "pw",
     .say = {B("\x05\x02\x00\x02"),
             B("\x01\x04"
               "anna\x02pw"),
             B("\x05\x01\x00\x01\xc0\x00\x02\x09\x01\xbb")},
     .hear = {B("\x05\x02"), B("\x01\x00"),
              B("\x05\x00\x00\x03\x03"
                "abc\x04\xd2")}},
    {.name = "socks5-v6",
     .kind = PROXY_SOCKS5,
     .host = "2001:db8::1",
     .say = {B("\x05\x01\x00"),
             B("\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb")},
     .hear = {B("\x05\x00"), B("\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")}},
    {.name = "socks5-wants-login",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x05\xff")},
     .code = PE_PROXY_AUTH_FAILED},
    {.name = "socks5-not-offered",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x05\x02")},
     .code = PE_PROXY_ERROR},
    {.name = "socks5-wrong-password",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .user = "anna",
     .password = "pw",
     .hear = {B("\x05\x02"), B("\x01\x01")},
     .code = PE_PROXY_AUTH_FAILED},
    {.name = "socks5-unreachable",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x05\x00"), B("\x05\x04\x00\x01\x00")},
     .code = PE_CONNECT_FAILED},
    {.name = "socks5-forbidden",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x05\x00"), B("\x05\x02\x00\x01\x00")},
     .code = PE_PROXY_ERROR},
    {.name = "socks5-address-type",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x05\x00"), B("\x05\x00\x00\x02\x00")},
     .code = PE_PROXY_ERROR},
    {.name = "socks5-version",
     .kind = PROXY_SOCKS5,
     .host = "h",
     .hear = {B("\x04\x00")},
     .code = PE_PROXY_ERROR},
};

static void
begin(struct proxy *p, const struct talk *t)
{
    struct proxy_target target = {
        .host = t->host, .port = 443, .user = t->user, .password = t->password};

    if (t->ip)
        g_assert_true(ip_parse(t->ip, &target.ip));
    g_assert_cmpint(proxy_init(p, t->kind, &target), ==, PROXY_MORE);
}

static void
check_said(struct proxy *p, const struct talk *t, unsigned round)
{
    if (t->say[round].at)
        g_assert_cmpmem(p->out, (int)p->out_len, t->say[round].at, (int)t->say[round].len);
    p->out_len = 0;
}

static void
check_end(const struct proxy *p, const struct talk *t, enum proxy_verdict verdict)
{
    g_assert_cmpint(verdict, ==, t->code ? PROXY_FAILED : PROXY_OK);
    if (t->code) {
        g_assert_cmpint(p->code, ==, t->code);
        g_assert_nonnull(p->message);
    }
    g_assert_cmpuint(proxy_want(p), ==, 0);
}

static unsigned
rounds(const struct talk *t)
{
    unsigned n = 0;
    while (n < ROUNDS && t->hear[n].at)
        n++;
    return n;
}

/* Each answer whole, with bytes of the stream behind it: they are not touched. */
static void
test_whole(gconstpointer data)
{
    const struct talk *t = data;
    struct proxy p;
    enum proxy_verdict verdict = PROXY_MORE;

    begin(&p, t);
    for (unsigned i = 0; i < rounds(t); i++) {
        bool last = i + 1 == rounds(t);
        g_autoptr(GByteArray) in = g_byte_array_new();
        size_t used;

        check_said(&p, t, i);
        g_byte_array_append(in, (const guint8 *)t->hear[i].at, (guint)t->hear[i].len);
        if (last)
            g_byte_array_append(in, (const guint8 *)"\x16\x03\x03 more", 8);
        g_assert_cmpint(verdict, ==, PROXY_MORE);
        verdict = proxy_feed(&p, in->data, in->len, &used);
        g_assert_cmpuint(used, <=, t->hear[i].len); /* a refusal may come before the end */
        if (last && !t->code)
            g_assert_cmpuint(used, ==, t->hear[i].len);
    }
    check_end(&p, t, verdict);
    proxy_done(&p);
}

/* One byte at a time; never more is wanted than is still to come. */
static void
test_bytewise(gconstpointer data)
{
    const struct talk *t = data;
    struct proxy p;
    enum proxy_verdict verdict = PROXY_MORE;

    begin(&p, t);
    for (unsigned i = 0; i < rounds(t); i++) {
        check_said(&p, t, i);
        for (size_t at = 0; at < t->hear[i].len && verdict == PROXY_MORE; at++) {
            g_autofree void *one = g_memdup2(t->hear[i].at + at, 1);
            size_t used;
            g_assert_cmpuint(proxy_want(&p), >=, 1);
            if (!t->code)
                g_assert_cmpuint(proxy_want(&p), <=, t->hear[i].len - at);
            verdict = proxy_feed(&p, one, 1, &used);
            g_assert_cmpuint(used, ==, 1);
        }
    }
    check_end(&p, t, verdict);
    proxy_done(&p);
}

static void
refuse(enum proxy_kind kind, const char *host, const char *user, const char *password)
{
    struct proxy p;
    struct proxy_target target = {.host = host, .port = 1, .user = user, .password = password};

    g_assert_cmpint(proxy_init(&p, kind, &target), ==, PROXY_FAILED);
    g_assert_cmpuint(p.out_len, ==, 0);
    g_assert_nonnull(p.message);
    proxy_done(&p);
}

/* Nothing that a user typed can become a second header or a second field. */
static void
test_refused_targets(void)
{
    g_autofree char *long_name = g_strnfill(256, 'a');

    for (unsigned kind = PROXY_HTTP; kind <= PROXY_SOCKS5; kind++) {
        refuse(kind, "", NULL, NULL);
        refuse(kind, "a b", NULL, NULL);
        refuse(kind, "a\r\nX: y", NULL, NULL);
        refuse(kind, "a\tb", NULL, NULL);
        refuse(kind, "a/b", NULL, NULL);
        refuse(kind, "a@b", NULL, NULL);
        refuse(kind, long_name, NULL, NULL);
        refuse(kind, "h", long_name, NULL);
        refuse(kind, "h", "anna", long_name);
    }
    refuse(PROXY_HTTP, "h", "an:na", "pw");
    refuse(PROXY_SOCKS4, "2001:db8::1", NULL, NULL);
}

static void
test_longest(void)
{
    g_autofree char *longest = g_strnfill(255, 'a');
    struct proxy_target target = {
        .host = longest, .port = 65535, .user = longest, .password = longest};

    for (unsigned kind = PROXY_HTTP; kind <= PROXY_SOCKS5; kind++) {
        struct proxy p;
        g_assert_cmpint(proxy_init(&p, kind, &target), ==, PROXY_MORE);
        proxy_done(&p);
    }
}

static void
test_endless_head(void)
{
    struct proxy p;
    struct proxy_target target = {.host = "h", .port = 1};
    enum proxy_verdict verdict = proxy_init(&p, PROXY_HTTP, &target);
    size_t total = 0, used;

    while (verdict == PROXY_MORE) {
        verdict = proxy_feed(&p, "HTTP/1.1 200 x", 14, &used);
        total += used;
        g_assert_cmpuint(total, <=, 20000);
    }
    g_assert_cmpint(verdict, ==, PROXY_FAILED);
    g_assert_cmpint(p.code, ==, PE_PROXY_ERROR);
    proxy_done(&p);
}

static void
test_endless_interim(void)
{
    struct proxy p;
    struct proxy_target target = {.host = "h", .port = 1};
    enum proxy_verdict verdict = proxy_init(&p, PROXY_HTTP, &target);
    unsigned answers = 0;
    size_t used;

    for (; verdict == PROXY_MORE; answers++)
        verdict = proxy_feed(&p, "HTTP/1.1 100 x\r\n\r\n", 18, &used);
    g_assert_cmpint(verdict, ==, PROXY_FAILED);
    g_assert_cmpuint(answers, ==, PROXY_INTERIM_MAX + 1);
    proxy_done(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(talks); i++) {
        g_autofree char *whole = g_strdup_printf("/proxy/whole/%s", talks[i].name);
        g_autofree char *bytewise = g_strdup_printf("/proxy/bytewise/%s", talks[i].name);
        g_test_add_data_func(whole, &talks[i], test_whole);
        g_test_add_data_func(bytewise, &talks[i], test_bytewise);
    }
    g_test_add_func("/proxy/refused-targets", test_refused_targets);
    g_test_add_func("/proxy/longest", test_longest);
    g_test_add_func("/proxy/endless-head", test_endless_head);
    g_test_add_func("/proxy/endless-interim", test_endless_interim);
    return g_test_run();
}
