/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-id.c - identities: in words, as selectors, and written. */

#include "core/proto/ikev1/id.h"
#include "tests/unit/ikev1/hex.h"

#include <glib.h>

#include <string.h>

static struct reader
body(const char *text)
{
    static uint8_t bytes[512];

    return reader_of(bytes, unhex(text, bytes, sizeof(bytes)));
}

/* What it is printed as; NULL: refused. */
static const char *
text_of(const char *hex)
{
    static struct ike1_id id;

    return ike1_id_read(body(hex), &id) ? id.text : NULL;
}

static void
test_texts(void)
{
    static const struct {
        const char *hex, *text;
    } ids[] = {
        {"01 11 01f4 c0000201", "192.0.2.1"},
        {"01 00 0000 c00002", NULL},
        {"01 00 0000 c000020101", NULL},
        {"05 00 0000 20010db8000000000000000000000001", "2001:db8::1"},
        {"05 00 0000 c0000201", NULL},
        {"04 00 0000 0a000000 ff000000", "10.0.0.0/8"},
        {"04 00 0000 0a000000 00000000", "10.0.0.0/0"},
        {"04 00 0000 0a000000 ff00ff00", NULL}, /* a mask with a hole */
        {"04 00 0000 0a000000", NULL},
        {"06 00 0000 20010db8000000000000000000000000 ffffffffffffffff0000000000000000",
         "2001:db8::/64"},
        {"07 00 0000 0a000001 0a000009", "10.0.0.1-10.0.0.9"},
        {"07 00 0000 0a000009 0a000001", NULL}, /* backwards */
        {"08 00 0000 20010db8000000000000000000000001 20010db8000000000000000000000002",
         "2001:db8::1-2001:db8::2"},
        {"02 00 0000 766e2e6578616d706c65", "vn.example"},
        {"03 00 0000 614062", "a@b"},
        {"0b 00 0000 0041ff5c7f0a", "\\x00A\\xff\\x5c\\x7f\\x0a"},
        {"0b 00 0000 c3a9 e697a5", "\303\251\346\227\245"}, /* UTF-8 */
        {"0b 00 0000 c3", "\\xc3"},                         /* half of it */
        {"0b 00 0000 c080", "\\xc0\\x80"},                  /* longer than it need be */
        {"0b 00 0000 e280ae", "\\xe2\\x80\\xae"},           /* turns the line around */
        {"0b 00 0000", NULL},
        {"0b 00 00", NULL},
        {"", NULL},
        {"09 00 0000 3033310b3009060355040613024a5031133011060355040a0c0a436166c3a92c204c7464"
         "310f300d06035504030c06726f75746572",
         "CN=router,O=Caf\303\251\\, Ltd,C=JP"},
        {"09 00 0000 3010310e300c06035504030c05610a620063", "CN=a\\0Ab\\00c"},
        {"09 00 0000 3010310e300c06035504030c05610a620063 00", NULL}, /* and more */
        {"09 00 0000 3010310e300c06035504030c05610a6200", NULL},      /* and less */
        {"09 00 0000 3000", NULL},                                    /* nobody */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        g_assert_cmpstr(text_of(ids[i].hex), ==, ids[i].text);

    struct ike1_id id;
    g_assert_true(ike1_id_read(body("01 11 01f4 c0000201"), &id));
    g_assert_cmpuint(id.type, ==, IKE1_ID_IPV4);
    g_assert_cmpuint(id.protocol, ==, 17);
    g_assert_cmpuint(id.port, ==, 500);
}

/* A text that is too long is refused: cut, it could be another one's. */
static void
test_too_long(void)
{
    uint8_t bytes[4 + IKE1_ID_TEXT] = {IKE1_ID_KEY};
    struct ike1_id id = {.type = 77};

    memset(bytes + 4, 'a', IKE1_ID_TEXT);
    g_assert_false(ike1_id_read(reader_of(bytes, sizeof(bytes)), &id));
    g_assert_cmpuint(id.type, ==, 77);
    g_assert_true(ike1_id_read(reader_of(bytes, sizeof(bytes) - 1), &id));
    g_assert_cmpuint(strlen(id.text), ==, IKE1_ID_TEXT - 1);
    bytes[4] = 0xff; /* is four characters */
    g_assert_false(ike1_id_read(reader_of(bytes, sizeof(bytes) - 1), &id));
    g_assert_true(ike1_id_read(reader_of(bytes, sizeof(bytes) - 4), &id));
}

static void
test_selectors(void)
{
    static const struct {
        const char *hex, *first, *last;
        uint8_t protocol;
        uint16_t port;
    } all[] = {
        {"01 11 06a5 c0000201", "192.0.2.1", "192.0.2.1", 17, 1701},
        {"04 00 0000 0a010203 ffff0000", "10.1.0.0", "10.1.255.255", 0, 0},
        {"04 00 0000 00000000 00000000", "0.0.0.0", "255.255.255.255", 0, 0},
        {"07 61 0000 0a000001 0a000009", "10.0.0.1", "10.0.0.9", 97, 0},
        {"05 73 0000 20010db8000000000000000000000001", "2001:db8::1", "2001:db8::1", 115, 0},
        {"06 00 0000 20010db8000000000000000000000000 ffffffffffffffff0000000000000000",
         "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 0, 0},
        {"02 11 06a5 766e", NULL, NULL, 17, 1701}, /* Windows XP */
    };
    static const char *const bad[] = {"", "01 11 06a5 c00002", "04 00 0000 0a000000 00ff0000",
                                      "07 00 0000 0a000002 0a000001", "01 11 06"};
    struct esp_selector s;
    struct ip want;

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_assert_true(ike1_id_selector(body(all[i].hex), &s));
        g_assert_cmpuint(s.protocol, ==, all[i].protocol);
        g_assert_cmpuint(s.port, ==, all[i].port);
        g_assert_cmpint(s.first.family != 0, ==, all[i].first != NULL);
        if (!all[i].first)
            continue;
        g_assert_true(ip_parse(all[i].first, &want));
        g_assert_true(ip_equal(&want, &s.first));
        g_assert_true(ip_parse(all[i].last, &want));
        g_assert_true(ip_equal(&want, &s.last));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(ike1_id_selector(body(bad[i]), &s));
}

static void
test_writing(void)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip ip;

    g_assert_true(ip_parse("192.0.2.1", &ip));
    ike1_id_write_ip(&w, &ip, 17, 500);
    assert_hex(bytes, w.len, "01 11 01f4 c0000201");
    w = writer_of(bytes, sizeof(bytes));
    g_assert_true(ip_parse("2001:db8::1", &ip));
    ike1_id_write_ip(&w, &ip, 0, 0);
    assert_hex(bytes, w.len, "05 00 0000 20010db8000000000000000000000001");
    w = writer_of(bytes, sizeof(bytes));
    ike1_id_write(&w, IKE1_ID_FQDN, "vn", 2);
    assert_hex(bytes, w.len, "02 00 0000 766e");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-id/texts", test_texts);
    g_test_add_func("/ike-id/too-long", test_too_long);
    g_test_add_func("/ike-id/selectors", test_selectors);
    g_test_add_func("/ike-id/writing", test_writing);
    return g_test_run();
}
