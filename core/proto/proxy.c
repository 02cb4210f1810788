/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.c - HTTP CONNECT, SOCKS 4(a), SOCKS 5, from the client's side.
 *
 * One loop serves all three: collect the bytes of one answer (for SOCKS a known number, for HTTP up
 * to the empty line), then judge it; a judgement either asks for the next answer or ends. Names and
 * logins come from the user and could carry line ends or zero bytes: what a protocol cannot say is
 * refused before anything is sent.
 */
#include "core/proto/proxy.h"

#include "core/base/error.h"
#include "core/base/http.h"
#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/base/writer.h"

#include <glib.h>

#include <string.h>

enum { IN_MAX = HTTP_HEAD_MAX };

/* What is waited for. */
enum step {
    STEP_HTTP_HEAD,
    STEP_SOCKS4_REPLY,
    STEP_SOCKS5_METHOD,
    STEP_SOCKS5_LOGIN,
    STEP_SOCKS5_REPLY,      /* up to the first byte of the address */
    STEP_SOCKS5_REPLY_TAIL, /* the rest, which the address type decides */
    STEP_END,
};

enum { SOCKS5_NO_LOGIN = 0, SOCKS5_PASSWORD = 2, SOCKS5_REFUSED = 0xff };
enum { SOCKS5_IP4 = 1, SOCKS5_NAME = 3, SOCKS5_IP6 = 4 };

static enum proxy_verdict
fail(struct proxy *p, int code, const char *message)
{
    p->code = code;
    p->message = message;
    p->step = STEP_END;
    return PROXY_FAILED;
}

/* Not inlined: gcc 12 sees through the writer half-way and warns of a write that cannot happen. */
__attribute__((noinline)) static struct writer
message_to(struct proxy *p)
{
    return writer_of(p->out, sizeof p->out);
}

/* ---- HTTP ---- */

/* A name that can stand in a request line: printable, no space. */
static bool
is_plain_name(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!g_ascii_isgraph(*c) || strchr("/?#@\\\"<>", *c))
            return false;
    }
    return *text != 0;
}

static enum proxy_verdict
http_ask(struct proxy *p)
{
    static const char login[] = "Proxy-Authorization: Basic ";
    static const char tail[] = "User-Agent: Polyether\r\nProxy-Connection: keep-alive\r\n\r\n";

    /* RFC 7617: a user with a colon cannot be told from its password. */
    if (p->has_login && strchr(p->user, ':'))
        return fail(p, PE_PROXY_AUTH_FAILED, "a user name for an HTTP proxy cannot have a colon");

    bool brackets = strchr(p->host, ':') != NULL;
    g_autofree char *to =
        g_strdup_printf(brackets ? "[%s]:%u" : "%s:%u", p->host, (unsigned)p->port);
    struct writer w = message_to(p);
    g_autofree char *head = g_strdup_printf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n", to, to);
    writer_bytes(&w, head, strlen(head));
    if (p->has_login) {
        char *pair = g_strdup_printf("%s:%s", p->user, p->password);
        char *basic = g_base64_encode((const guchar *)pair, strlen(pair));
        writer_bytes(&w, login, sizeof login - 1);
        writer_bytes(&w, basic, strlen(basic));
        writer_bytes(&w, "\r\n", 2);
        secret_free_str(pair);
        secret_free_str(basic);
    }
    writer_bytes(&w, tail, sizeof tail - 1);
    g_assert(writer_ok(&w)); /* host and login are bounded: at most 1300 bytes */
    p->out_len = w.len;
    p->step = STEP_HTTP_HEAD;
    return PROXY_MORE;
}

static bool
ends_with_empty_line(const uint8_t *in, size_t len)
{
    if (len < 2 || in[len - 1] != '\n')
        return false;
    return in[len - 2] == '\n' || (len >= 3 && in[len - 2] == '\r' && in[len - 3] == '\n');
}

static enum proxy_verdict
http_judge(struct proxy *p)
{
    struct http_head *head = g_new(struct http_head, 1); /* several KiB: not for the stack */
    size_t used = 0;
    enum http_verdict verdict = http_parse_response((const char *)p->in, p->in_len, head, &used);
    unsigned status = verdict == HTTP_OK ? head->status : 0;
    g_free(head);

    if (verdict != HTTP_OK)
        return fail(p, PE_PROXY_ERROR, "the proxy does not speak HTTP");
    if (status >= 100 && status < 200 && status != 101) {
        if (++p->interim > PROXY_INTERIM_MAX)
            return fail(p, PE_PROXY_ERROR, "the proxy does not come to an answer");
        p->in_len = 0;
        return PROXY_MORE;
    }
    if (status >= 200 && status < 300)
        return PROXY_OK;
    if (status == 401 || status == 403 || status == 407)
        return fail(p, PE_PROXY_AUTH_FAILED,
                    p->has_login ? "the proxy refused user name and password"
                                 : "the proxy asks for a user name and a password, or refuses us");
    if (status >= 502 && status <= 504)
        return fail(p, PE_CONNECT_FAILED, "the proxy could not reach the server");
    return fail(p, PE_PROXY_ERROR, "the proxy refused to connect");
}

/* ---- SOCKS 4 ---- */

static enum proxy_verdict
socks4_ask(struct proxy *p)
{
    struct writer w = message_to(p);

    if (p->ip.family == 6)
        return fail(p, PE_PROXY_ERROR, "a SOCKS 4 proxy cannot reach an IPv6 address");
    writer_u8(&w, 4);
    writer_u8(&w, 1);
    writer_u16(&w, p->port);
    writer_u32(&w, p->ip.family == 4 ? ip_to_v4(&p->ip) : 1); /* 0.0.0.1: 4a, a name follows */
    writer_bytes(&w, p->user, strlen(p->user) + 1);
    if (p->ip.family == 0)
        writer_bytes(&w, p->host, strlen(p->host) + 1);
    g_assert(writer_ok(&w));
    p->out_len = w.len;
    p->step = STEP_SOCKS4_REPLY;
    return PROXY_MORE;
}

static enum proxy_verdict
socks4_judge(struct proxy *p)
{
    struct reader r = reader_of(p->in, p->in_len);
    uint8_t version = reader_u8(&r);
    uint8_t answer = reader_u8(&r);

    if (version != 0)
        return fail(p, PE_PROXY_ERROR, "the proxy does not speak SOCKS 4");
    if (answer == 90)
        return PROXY_OK;
    if (answer == 92 || answer == 93)
        return fail(p, PE_PROXY_AUTH_FAILED, "the proxy refused the user name");
    return fail(p, PE_PROXY_ERROR, "the proxy refused to connect, or could not");
}

/* ---- SOCKS 5 ---- */

static enum proxy_verdict
socks5_greet(struct proxy *p)
{
    struct writer w = message_to(p);

    writer_u8(&w, 5);
    writer_u8(&w, p->has_login ? 2 : 1);
    writer_u8(&w, SOCKS5_NO_LOGIN);
    if (p->has_login)
        writer_u8(&w, SOCKS5_PASSWORD);
    p->out_len = w.len;
    p->step = STEP_SOCKS5_METHOD;
    return PROXY_MORE;
}

static enum proxy_verdict
socks5_log_in(struct proxy *p)
{
    struct writer w = message_to(p);
    size_t user = strlen(p->user), password = strlen(p->password);

    writer_u8(&w, 1);
    writer_u8(&w, (uint8_t)user);
    writer_bytes(&w, p->user, user);
    writer_u8(&w, (uint8_t)password);
    writer_bytes(&w, p->password, password);
    g_assert(writer_ok(&w));
    p->out_len = w.len;
    p->step = STEP_SOCKS5_LOGIN;
    return PROXY_MORE;
}

static enum proxy_verdict
socks5_ask(struct proxy *p)
{
    struct writer w = message_to(p);

    writer_u8(&w, 5);
    writer_u8(&w, 1);
    writer_u8(&w, 0);
    if (p->ip.family == 4) {
        writer_u8(&w, SOCKS5_IP4);
        writer_bytes(&w, p->ip.b, 4);
    } else if (p->ip.family == 6) {
        writer_u8(&w, SOCKS5_IP6);
        writer_bytes(&w, p->ip.b, 16);
    } else {
        writer_u8(&w, SOCKS5_NAME);
        writer_u8(&w, (uint8_t)strlen(p->host));
        writer_bytes(&w, p->host, strlen(p->host));
    }
    writer_u16(&w, p->port);
    g_assert(writer_ok(&w));
    p->out_len = w.len;
    p->step = STEP_SOCKS5_REPLY;
    return PROXY_MORE;
}

static enum proxy_verdict
socks5_judge_method(struct proxy *p)
{
    struct reader r = reader_of(p->in, p->in_len);
    uint8_t version = reader_u8(&r);
    uint8_t method = reader_u8(&r);

    p->in_len = 0;
    if (version != 5)
        return fail(p, PE_PROXY_ERROR, "the proxy does not speak SOCKS 5");
    if (method == SOCKS5_NO_LOGIN)
        return socks5_ask(p);
    if (method == SOCKS5_PASSWORD && p->has_login)
        return socks5_log_in(p);
    if (method == SOCKS5_REFUSED)
        return fail(p, PE_PROXY_AUTH_FAILED,
                    p->has_login ? "the proxy takes no login by user name and password"
                                 : "the proxy asks for a user name and a password");
    return fail(p, PE_PROXY_ERROR, "the proxy chose a kind of login that was not offered");
}

static enum proxy_verdict
socks5_judge_login(struct proxy *p)
{
    struct reader r = reader_of(p->in, p->in_len);
    (void)reader_u8(&r); /* RFC 1929 says 1; proxies that say 5 are about */
    uint8_t status = reader_u8(&r);

    p->in_len = 0;
    if (status != 0)
        return fail(p, PE_PROXY_AUTH_FAILED, "the proxy refused user name and password");
    return socks5_ask(p);
}

static enum proxy_verdict
socks5_judge_reply(struct proxy *p)
{
    struct reader r = reader_of(p->in, p->in_len);
    uint8_t version = reader_u8(&r);
    uint8_t reply = reader_u8(&r);
    (void)reader_u8(&r);
    uint8_t type = reader_u8(&r);

    if (version != 5)
        return fail(p, PE_PROXY_ERROR, "the proxy does not speak SOCKS 5");
    if (reply >= 3 && reply <= 6)
        return fail(p, PE_CONNECT_FAILED, "the proxy could not reach the server");
    if (reply == 2)
        return fail(p, PE_PROXY_ERROR, "the rules of the proxy forbid this connection");
    if (reply != 0)
        return fail(p, PE_PROXY_ERROR, "the proxy could not connect");
    if (type != SOCKS5_IP4 && type != SOCKS5_IP6 && type != SOCKS5_NAME)
        return fail(p, PE_PROXY_ERROR, "the answer of the proxy makes no sense");
    p->step = STEP_SOCKS5_REPLY_TAIL; /* in keeps its bytes: they decide how many follow */
    return PROXY_MORE;
}

/* ---- all ---- */

/* How long the answer is that is waited for; 0 for an HTTP head, which says so itself. */
static size_t
answer_len(const struct proxy *p)
{
    switch ((enum step)p->step) {
    case STEP_SOCKS4_REPLY:
        return 8;
    case STEP_SOCKS5_METHOD:
    case STEP_SOCKS5_LOGIN:
        return 2;
    case STEP_SOCKS5_REPLY:
        return 5;
    case STEP_SOCKS5_REPLY_TAIL:
        if (p->in[3] == SOCKS5_IP4)
            return 4 + 4 + 2;
        if (p->in[3] == SOCKS5_IP6)
            return 4 + 16 + 2;
        return 4 + 1 + (size_t)p->in[4] + 2;
    case STEP_HTTP_HEAD:
    case STEP_END:
        break;
    }
    return 0;
}

static enum proxy_verdict
judge(struct proxy *p)
{
    switch ((enum step)p->step) {
    case STEP_HTTP_HEAD:
        return http_judge(p);
    case STEP_SOCKS4_REPLY:
        return socks4_judge(p);
    case STEP_SOCKS5_METHOD:
        return socks5_judge_method(p);
    case STEP_SOCKS5_LOGIN:
        return socks5_judge_login(p);
    case STEP_SOCKS5_REPLY:
        return socks5_judge_reply(p);
    case STEP_SOCKS5_REPLY_TAIL:
        return PROXY_OK;
    case STEP_END:
        break;
    }
    return PROXY_FAILED;
}

static bool
answer_is_complete(const struct proxy *p)
{
    if (p->step == STEP_HTTP_HEAD)
        return ends_with_empty_line(p->in, p->in_len);
    return p->in_len == answer_len(p);
}

size_t
proxy_want(const struct proxy *p)
{
    if (p->step == STEP_HTTP_HEAD) {
        bool on_empty_line =
            p->in_len == 0 || p->in[p->in_len - 1] == '\n' ||
            (p->in_len >= 2 && p->in[p->in_len - 2] == '\n' && p->in[p->in_len - 1] == '\r');
        return on_empty_line
                   ? 1
                   : 2; /* else two line ends at least, and the shorter form is one byte */
    }
    return p->step == STEP_END ? 0 : answer_len(p) - p->in_len;
}

enum proxy_verdict
proxy_feed(struct proxy *p, const void *bytes, size_t len, size_t *used)
{
    const uint8_t *at = bytes;
    enum proxy_verdict verdict = PROXY_MORE;

    *used = 0;
    while (*used < len && verdict == PROXY_MORE) {
        if (p->in_len == IN_MAX)
            return fail(p, PE_PROXY_ERROR, "the answer of the proxy is too long");
        p->in[p->in_len++] = at[(*used)++];
        if (answer_is_complete(p))
            verdict = judge(p);
    }
    if (verdict != PROXY_MORE)
        p->step = STEP_END;
    return verdict;
}

enum proxy_verdict
proxy_init(struct proxy *p, enum proxy_kind kind, const struct proxy_target *t)
{
    memset(p, 0, sizeof *p);
    p->kind = kind;
    p->ip = t->ip;
    p->port = t->port;
    p->in = g_malloc(IN_MAX);

    if (!is_plain_name(t->host) || strlen(t->host) > PROXY_HOST_MAX)
        return fail(p, PE_PROXY_ERROR, "the name of the server is not one");
    g_strlcpy(p->host, t->host, sizeof p->host);
    if (p->ip.family == 0 && !ip_parse(p->host, &p->ip))
        p->ip.family = 0; /* a name */

    const char *user = t->user ? t->user : "", *password = t->password ? t->password : "";
    if (strlen(user) > PROXY_LOGIN_MAX || strlen(password) > PROXY_LOGIN_MAX)
        return fail(p, PE_PROXY_AUTH_FAILED, "user name or password for the proxy is too long");
    g_strlcpy(p->user, user, sizeof p->user);
    g_strlcpy(p->password, password, sizeof p->password);
    /* RFC 1929: neither may be empty; HTTP allows an empty password. */
    p->has_login = *user && (kind == PROXY_HTTP || *password);

    switch (kind) {
    case PROXY_HTTP:
        return http_ask(p);
    case PROXY_SOCKS4:
        return socks4_ask(p);
    case PROXY_SOCKS5:
        return socks5_greet(p);
    }
    return fail(p, PE_PROXY_ERROR, "this kind of proxy is not known");
}

void
proxy_done(struct proxy *p)
{
    secret_wipe(p->password, sizeof p->password);
    secret_wipe(p->out, sizeof p->out);
    g_clear_pointer(&p->in, g_free);
}
