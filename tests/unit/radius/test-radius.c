/* SPDX-License-Identifier: Apache-2.0 */
/* test-radius.c - packets: the examples of RFC 2865 and 5997, what is altered on the way, keys of
 * RFC 2548, attributes of all kinds, and what they make of a login's answer. */

#include "core/auth/radius/login.h"
#include "core/base/secret.h"

#include <glib.h>
#include <openssl/evp.h>

#include <string.h>

static const uint8_t request_2865[] = {
    0x01, 0x00, 0x00, 0x38, 0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83,
    0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a, 0x01, 0x06, 0x6e, 0x65, 0x6d, 0x6f, 0x02, 0x12,
    0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a,
    0x0a, 0xee, 0x04, 0x06, 0xc0, 0xa8, 0x01, 0x10, 0x05, 0x06, 0x00, 0x00, 0x00, 0x03};
static const uint8_t reply_2865[] = {0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24,
                                     0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2,
                                     0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00,
                                     0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03};
static const uint8_t status_5997[] = {0x0c, 0xda, 0x00, 0x26, 0x8a, 0x54, 0xf4, 0x68, 0x6f, 0xb3,
                                      0x94, 0xc5, 0x28, 0x66, 0xe3, 0x02, 0x18, 0x5d, 0x06, 0x23,
                                      0x50, 0x12, 0x5a, 0x66, 0x5e, 0x2e, 0x1e, 0x84, 0x11, 0xf3,
                                      0xe2, 0x43, 0x82, 0x20, 0x97, 0xc8, 0x4f, 0xa3};
static const uint8_t status_reply_5997[] = {0x02, 0xda, 0x00, 0x14, 0xef, 0x0d, 0x55,
                                            0x2a, 0x4b, 0xf2, 0xd6, 0x93, 0xec, 0x2b,
                                            0x6f, 0xe8, 0xb5, 0x41, 0x1d, 0x66};
static const uint8_t authenticator[RADIUS_AUTHENTICATOR] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                            9, 10, 11, 12, 13, 14, 15, 16};

static void
assert_same(const void *a, size_t n, const void *b, size_t m)
{
    g_assert_cmpuint(n, ==, m);
    g_assert_true(memcmp(a, b, n) == 0);
}

static struct radius_secret
secret_of(const char *text)
{
    struct radius_secret s = {.len = (uint8_t)strlen(text)};

    memcpy(s.bytes, text, s.len);
    return s;
}

static struct radius_packet
parse(const void *bytes, size_t len)
{
    struct radius_packet p;

    g_assert_true(radius_parse(reader_of(bytes, len), &p));
    return p;
}

static void
test_rfc2865(void)
{
    const struct radius_secret secret = secret_of("xyzzy5461");
    struct radius_packet request = parse(request_2865, sizeof(request_2865));
    struct radius_packet reply = parse(reply_2865, sizeof(reply_2865));
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct reader value;
    uint32_t n = 0;

    radius_put_password(&w, "arctangent", 10, &secret, request.authenticator);
    g_assert_true(radius_find(&request, RADIUS_USER_PASSWORD, &value));
    assert_same(bytes + 2, w.len - 2, value.at, value.left);
    g_assert_true(radius_find(&request, RADIUS_NAS_PORT, &value));
    g_assert_true(radius_value_u32(value, &n));
    g_assert_cmpuint(n, ==, 3);
    g_assert_false(radius_find(&request, RADIUS_CLASS, &value));

    g_assert_cmpint(radius_check_reply(&reply, &secret, request.authenticator, false), ==,
                    RADIUS_FINE);
    g_assert_cmpint(radius_check_reply(&reply, &secret, request.authenticator, true), ==,
                    RADIUS_BARE);
    g_assert_cmpint(radius_check_reply(&reply, &secret, authenticator, false), ==, RADIUS_FORGED);
    const struct radius_secret other = secret_of("xyzzy5462");
    g_assert_cmpint(radius_check_reply(&reply, &other, request.authenticator, false), ==,
                    RADIUS_FORGED);
}

static void
test_rfc5997(void)
{
    const struct radius_secret secret = secret_of("xyzzy5461");
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct radius_packet reply = parse(status_reply_5997, sizeof(status_reply_5997));

    radius_begin(&w, RADIUS_STATUS_SERVER, 0xda, status_5997 + 4);
    g_assert_true(radius_seal_request(&w, &secret));
    assert_same(bytes, w.len, status_5997, sizeof(status_5997));
    g_assert_cmpint(radius_check_reply(&reply, &secret, status_5997 + 4, false), ==, RADIUS_FINE);
}

/* Passwords of all lengths, as a server opens them. */
static void
test_password(void)
{
    const struct radius_secret secret = secret_of("s");
    char password[RADIUS_PASSWORD_MAX + 1];

    memset(password, 'p', sizeof(password));
    for (size_t len = 0; len <= sizeof(password); len++) {
        uint8_t bytes[256], plain[RADIUS_PASSWORD_MAX];
        struct writer w = writer_of(bytes, sizeof(bytes));
        radius_put_password(&w, password, len, &secret, authenticator);
        if (len > RADIUS_PASSWORD_MAX) {
            g_assert_false(writer_ok(&w));
            break;
        }
        size_t n = w.len - 2;
        g_assert_cmpuint(n % 16, ==, 0);
        g_assert_cmpuint(n, >=, MAX(len, 16));
        g_assert_cmpuint(n, <, MAX(len, 16) + 16);
        const uint8_t *last = authenticator;
        for (size_t at = 0; at < n; at += 16) {
            uint8_t in[17] = {'s'}, mask[16];
            memcpy(in + 1, last, 16);
            g_assert_cmpint(EVP_Digest(in, sizeof(in), mask, NULL, EVP_md5(), NULL), ==, 1);
            for (unsigned i = 0; i < 16; i++)
                plain[at + i] = bytes[2 + at + i] ^ mask[i];
            last = bytes + 2 + at;
        }
        assert_same(plain, len, password, len);
        for (size_t i = len; i < n; i++)
            g_assert_cmpuint(plain[i], ==, 0);
    }
}

static size_t
make_reply(uint8_t bytes[RADIUS_PACKET_MAX], const struct radius_secret *secret)
{
    struct writer w = writer_of(bytes, RADIUS_PACKET_MAX);

    radius_begin(&w, RADIUS_ACCESS_ACCEPT, 9, authenticator);
    radius_put_text(&w, RADIUS_REPLY_MESSAGE, "Welcome");
    radius_put_u32(&w, RADIUS_SESSION_TIMEOUT, 3600);
    g_assert_true(radius_seal_reply(&w, secret, authenticator));
    return w.len;
}

/* No bit of a reply can be changed, and no attribute taken away. */
static void
test_altered(void)
{
    const struct radius_secret secret = secret_of("secret");
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t len = make_reply(bytes, &secret);
    struct radius_packet p = parse(bytes, len);

    g_assert_cmpint(radius_check_reply(&p, &secret, authenticator, true), ==, RADIUS_FINE);
    for (size_t i = 0; i < len * 8; i++) {
        uint8_t copy[RADIUS_PACKET_MAX] = {0};
        memcpy(copy, bytes, len);
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        if (radius_parse(reader_of(copy, len), &p))
            g_assert_cmpint(radius_check_reply(&p, &secret, authenticator, true), ==,
                            RADIUS_FORGED);
    }
    /* Right MD5, wrong HMAC: what an attack on MD5 makes (CVE-2024-3596). */
    uint8_t sum[16];
    uint8_t all[RADIUS_PACKET_MAX] = {0};
    memcpy(all, bytes, len);
    all[RADIUS_HEAD + 2] ^= 1;
    memcpy(all + 4, authenticator, 16);
    memcpy(all + len, secret.bytes, secret.len);
    g_assert_cmpint(EVP_Digest(all, len + secret.len, sum, NULL, EVP_md5(), NULL), ==, 1);
    memcpy(all + 4, sum, 16);
    p = parse(all, len);
    g_assert_cmpint(radius_check_reply(&p, &secret, authenticator, true), ==, RADIUS_FORGED);
    g_assert_cmpint(radius_check_reply(&p, &secret, authenticator, false), ==, RADIUS_FORGED);
}

static void
test_requests(void)
{
    static const enum radius_code codes[] = {RADIUS_ACCOUNTING_REQUEST, RADIUS_COA_REQUEST,
                                             RADIUS_DISCONNECT_REQUEST};
    const struct radius_secret secret = secret_of("secret");

    for (unsigned i = 0; i < G_N_ELEMENTS(codes); i++) {
        uint8_t bytes[RADIUS_PACKET_MAX];
        struct writer w = writer_of(bytes, sizeof(bytes));
        radius_begin(&w, codes[i], 1, authenticator);
        radius_put_text(&w, RADIUS_USER_NAME, "anna");
        g_assert_true(radius_seal_request(&w, &secret));
        struct radius_packet p = parse(bytes, w.len);
        g_assert_cmpint(radius_check_request(&p, &secret, true), ==, RADIUS_FINE);
        bytes[w.len - 1] ^= 1;
        g_assert_cmpint(radius_check_request(&p, &secret, true), ==, RADIUS_FORGED);
    }
}

static void
test_form(void)
{
    uint8_t bytes[RADIUS_PACKET_MAX + 8] = {2, 0, 0, 20};
    struct radius_packet p;

    g_assert_true(radius_parse(reader_of(bytes, 20), &p));
    g_assert_true(radius_parse(reader_of(bytes, 28), &p)); /* padding */
    g_assert_cmpuint(p.attributes.left, ==, 0);
    for (size_t n = 0; n < 20; n++)
        g_assert_false(radius_parse(reader_of(bytes, n), &p));
    bytes[3] = 19;
    g_assert_false(radius_parse(reader_of(bytes, 28), &p));
    bytes[3] = 22;
    bytes[20] = 1;
    for (unsigned size = 0; size < 256; size++) {
        bytes[21] = (uint8_t)size;
        g_assert_cmpint(radius_parse(reader_of(bytes, 28), &p), ==, size == 2);
    }
    bytes[2] = 0x10; /* 4096 and more */
    bytes[3] = 1;
    g_assert_false(radius_parse(reader_of(bytes, sizeof(bytes)), &p));

    struct writer w = writer_of(bytes, sizeof(bytes));
    radius_put(&w, RADIUS_CLASS, bytes, RADIUS_VALUE_MAX + 1);
    g_assert_false(writer_ok(&w));
    w = writer_of(bytes, sizeof(bytes));
    radius_put_vendor(&w, 311, 1, bytes, RADIUS_VALUE_MAX - 5);
    g_assert_false(writer_ok(&w));
}

/* ---- logins ---- */

struct made {
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct writer w;
    struct radius_secret secret;
    struct radius_packet packet;
    struct radius_reply reply;
};

static void
begin_reply(struct made *m, enum radius_code code)
{
    m->secret = secret_of("secret");
    m->w = writer_of(m->bytes, sizeof(m->bytes));
    radius_begin(&m->w, code, 1, authenticator);
}

static void
answer(struct made *m, const struct radius_login *l, struct auth_answer *out)
{
    g_assert_true(radius_seal_reply(&m->w, &m->secret, authenticator));
    m->packet = parse(m->bytes, m->w.len);
    m->reply = (struct radius_reply){
        .packet = &m->packet, .secret = &m->secret, .authenticator = authenticator};
    radius_login_answer(l, &m->reply, out);
}

static void
put_ip(struct made *m, enum radius_attr type, uint32_t ip)
{
    radius_put_u32(&m->w, type, ip);
}

static void
test_accept(void)
{
    const struct radius_login l = {0};
    struct auth_answer a;
    struct made m;
    uint8_t rate[4] = {0, 0x0f, 0x42, 0x40};
    uint8_t ip6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 5};

    begin_reply(&m, RADIUS_ACCESS_ACCEPT);
    put_ip(&m, RADIUS_FRAMED_IP_NETMASK, 0xffff0000);
    put_ip(&m, RADIUS_FRAMED_IP_ADDRESS, 0x0a010203);
    radius_put(&m.w, RADIUS_FRAMED_IPV6_ADDRESS, ip6, sizeof(ip6));
    radius_put_text(&m.w, RADIUS_FILTER_ID, "group=staff");
    radius_put_text(&m.w, RADIUS_CLASS, "c1");
    radius_put_text(&m.w, RADIUS_CLASS, "c2");
    radius_put(&m.w, RADIUS_TUNNEL_PRIVATE_GROUP_ID,
               "\001"
               "42",
               3);
    radius_put_u32(&m.w, RADIUS_SESSION_TIMEOUT, 600);
    radius_put_u32(&m.w, RADIUS_IDLE_TIMEOUT, 60);
    radius_put_u32(&m.w, RADIUS_ACCT_INTERIM_INTERVAL, 5);
    radius_put_text(&m.w, RADIUS_REPLY_MESSAGE, "Hello\x01");
    radius_put_text(&m.w, RADIUS_REPLY_MESSAGE, "there");
    radius_put_text(&m.w, RADIUS_FRAMED_ROUTE, "10.0.0.0/8 10.1.0.1 1");
    radius_put_vendor(&m.w, RADIUS_VENDOR_WISPR, RADIUS_WISPR_MAX_UP, rate, 4);
    radius_put_vendor(&m.w, RADIUS_VENDOR_WISPR, RADIUS_WISPR_MAX_DOWN, rate, 4);
    radius_put_vendor(&m.w, RADIUS_VENDOR_MICROSOFT, RADIUS_MS_PRIMARY_DNS, rate, 4);
    radius_put_vendor(&m.w, 9, 1, "other", 5);
    answer(&m, &l, &a);
    g_assert_cmpint(a.says, ==, AUTH_SAYS_YES);
    g_assert_cmpuint(ip_to_v4(&a.address.ip4.ip), ==, 0x0a010203);
    g_assert_cmpuint(a.address.ip4.len, ==, 16);
    g_assert_cmpuint(a.address.ip6.ip.family, ==, 6);
    g_assert_cmpuint(a.address.n_dns, ==, 1);
    g_assert_cmpstr(a.group, ==, "staff");
    g_assert_cmpuint(a.vlan, ==, 42);
    g_assert_cmpuint(a.session_s, ==, 600);
    g_assert_cmpuint(a.idle_s, ==, 60);
    g_assert_cmpuint(a.interim_s, ==, 60); /* not more often */
    g_assert_cmpuint(a.max_upload, ==, 1000000);
    g_assert_cmpuint(a.max_download, ==, 1000000);
    g_assert_cmpstr(a.message, ==, "Hello \nthere");
    g_assert_cmpuint(a.routes->len, ==, 1);
    assert_same(g_bytes_get_data(a.class_, NULL), g_bytes_get_size(a.class_), "c1", 2);
    auth_answer_clear(&a);

    /* "Choose one yourself", a mask that is none, VLANs that are none. */
    begin_reply(&m, RADIUS_ACCESS_ACCEPT);
    put_ip(&m, RADIUS_FRAMED_IP_ADDRESS, 0xfffffffe);
    put_ip(&m, RADIUS_FRAMED_IP_NETMASK, 0xff00ff00);
    radius_put_text(&m.w, RADIUS_TUNNEL_PRIVATE_GROUP_ID, "4095");
    radius_put_text(&m.w, RADIUS_TUNNEL_PRIVATE_GROUP_ID, "x");
    radius_put_text(&m.w, RADIUS_CLASS, "OU=guests;");
    answer(&m, &l, &a);
    g_assert_cmpuint(a.address.ip4.ip.family, ==, 0);
    g_assert_cmpuint(a.address.ip4.len, ==, 0);
    g_assert_cmpuint(a.vlan, ==, 0);
    g_assert_cmpstr(a.group, ==, "guests");
    auth_answer_clear(&a);
}

static void
test_reject_and_challenge(void)
{
    const struct radius_login l = {.is_mschap = true};
    struct auth_answer a;
    struct made m;

    begin_reply(&m, RADIUS_ACCESS_REJECT);
    radius_put_vendor(&m.w, RADIUS_VENDOR_MICROSOFT, RADIUS_MS_CHAP_ERROR, "\001E=648 R=0 C=00 V=3",
                      20);
    answer(&m, &l, &a);
    g_assert_cmpint(a.says, ==, AUTH_SAYS_NO);
    g_assert_cmpint(a.mschap.error, ==, 648);
    auth_answer_clear(&a);

    begin_reply(&m, RADIUS_ACCESS_CHALLENGE);
    radius_put_text(&m.w, RADIUS_STATE, "abc");
    radius_put_text(&m.w, RADIUS_REPLY_MESSAGE, "Code?");
    answer(&m, &l, &a);
    g_assert_cmpint(a.says, ==, AUTH_SAYS_ASK);
    assert_same(g_bytes_get_data(a.state, NULL), g_bytes_get_size(a.state), "abc", 3);
    g_assert_cmpstr(a.message, ==, "Code?");
    auth_answer_clear(&a);

    begin_reply(&m, RADIUS_ACCESS_ACCEPT); /* proves nothing to the client */
    answer(&m, &l, &a);
    g_assert_cmpint(a.says, ==, AUTH_SAYS_NOTHING);
    auth_answer_clear(&a);

    radius_login_answer(&l, NULL, &a);
    g_assert_cmpint(a.says, ==, AUTH_SAYS_NOTHING);
}

/* RFC 2548, 2.4.2, from the server's side. */
static void
put_key(struct made *m, uint8_t type, const uint8_t key[16], uint8_t salt, uint8_t len)
{
    uint8_t value[2 + 32] = {0x80, salt};
    uint8_t plain[32] = {len};
    static const uint8_t shared[6] = {'s', 'e', 'c', 'r', 'e', 't'};
    uint8_t in[6 + 16 + 2], mask[16];
    size_t n = 6 + 16 + 2;

    memcpy(plain + 1, key, 16);
    memcpy(in, shared, 6);
    memcpy(in + 6, authenticator, 16);
    memcpy(in + 22, value, 2);
    for (unsigned block = 0; block < 2; block++) {
        g_assert_cmpint(EVP_Digest(in, n, mask, NULL, EVP_md5(), NULL), ==, 1);
        for (unsigned i = 0; i < 16; i++)
            value[2 + block * 16 + i] = plain[block * 16 + i] ^ mask[i];
        memcpy(in + 6, value + 2, 16);
        n = 22;
    }
    radius_put_vendor(&m->w, RADIUS_VENDOR_MICROSOFT, type, value, sizeof(value));
}

static void
test_mschap(void)
{
    static const char success[] = "\001S=0123456789ABCDEF0123456789ABCDEF01234567";
    const uint8_t send[16] = {1, 2, 3}, receive[16] = {4, 5, 6};
    const struct radius_login l = {.is_mschap = true};
    struct auth_answer a;
    struct made m;

    for (uint8_t len = 15; len <= 16; len++) {
        begin_reply(&m, RADIUS_ACCESS_ACCEPT);
        radius_put_vendor(&m.w, RADIUS_VENDOR_MICROSOFT, RADIUS_MS_CHAP2_SUCCESS, success,
                          sizeof(success) - 1);
        put_key(&m, RADIUS_MS_MPPE_SEND_KEY, send, 1, 16);
        put_key(&m, RADIUS_MS_MPPE_RECV_KEY, receive, 2, len);
        answer(&m, &l, &a);
        g_assert_cmpint(a.says, ==, AUTH_SAYS_YES);
        g_assert_cmpstr(a.mschap.answer, ==, success + 1);
        g_assert_cmpint(a.mschap.has_keys, ==, len == 16);
        if (a.mschap.has_keys) {
            assert_same(a.mschap.keys.send, 16, send, 16);
            assert_same(a.mschap.keys.receive, 16, receive, 16);
        }
        auth_answer_clear(&a);
    }
}

/* What a server sees of a login. */
static void
test_request(void)
{
    struct auth_request *r = auth_request_new(AUTH_MSCHAPV2);
    const struct radius_secret secret = secret_of("secret");
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct radius_iter it;
    struct radius_attribute a;
    bool response = false;

    r->hub = g_strdup("HUB");
    r->user = g_strdup("anna");
    r->peer.ip = ip_from_v4(0x0a000001);
    memset(r->mschap.response, 7, sizeof(r->mschap.response));
    memset(r->mschap.peer, 8, sizeof(r->mschap.peer));
    struct auth_question q = {
        .ticket = 5, .request = r, .name = "a.nna", .state = g_bytes_new_static("st", 2)};
    struct radius_login *l = radius_login_new(&q, NULL, 0x1122334455667788);
    g_bytes_unref(q.state);
    auth_request_free(r);
    g_assert_cmpstr(l->session, ==, "112233445566778800000005");

    radius_begin(&w, RADIUS_ACCESS_REQUEST, 1, authenticator);
    radius_login_build(l, &w, &secret, authenticator);
    g_assert_true(radius_seal_request(&w, &secret));
    struct radius_packet p = parse(bytes, w.len);
    g_assert_cmpuint(p.attributes.at[0], ==, RADIUS_MESSAGE_AUTHENTICATOR); /* the first */
    it = radius_iter_of(&p);
    while (radius_next(&it, &a)) {
        g_assert_false(a.vendor == 0 && a.type == RADIUS_USER_PASSWORD);
        if (a.vendor == RADIUS_VENDOR_MICROSOFT && a.type == RADIUS_MS_CHAP2_RESPONSE) {
            response = true;
            g_assert_cmpuint(a.value.left, ==, 50);
            g_assert_cmpuint(a.value.at[1], ==, 0);
            g_assert_cmpuint(a.value.at[2], ==, 8);
            g_assert_cmpuint(a.value.at[18], ==, 0);
            g_assert_cmpuint(a.value.at[26], ==, 7);
        }
    }
    g_assert_true(response);
    struct reader value;
    g_assert_true(radius_find(&p, RADIUS_USER_NAME, &value));
    assert_same(value.at, value.left, "a.nna", 5);
    g_assert_true(radius_find(&p, RADIUS_CALLING_STATION_ID, &value));
    assert_same(value.at, value.left, "10.0.0.1", 8);
    g_assert_true(radius_find(&p, RADIUS_STATE, &value));
    assert_same(value.at, value.left, "st", 2);
    radius_login_free(l);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/radius/rfc2865", test_rfc2865);
    g_test_add_func("/radius/rfc5997", test_rfc5997);
    g_test_add_func("/radius/password", test_password);
    g_test_add_func("/radius/altered", test_altered);
    g_test_add_func("/radius/requests", test_requests);
    g_test_add_func("/radius/form", test_form);
    g_test_add_func("/radius/accept", test_accept);
    g_test_add_func("/radius/reject-and-challenge", test_reject_and_challenge);
    g_test_add_func("/radius/mschap", test_mschap);
    g_test_add_func("/radius/request", test_request);
    return g_test_run();
}
