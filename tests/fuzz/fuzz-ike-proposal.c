/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ike-proposal.c - SA payloads of both phases. The first octet is what is allowed, the second
 * one what is asked for.
 *
 * Laws: what is taken is allowed, is what was asked for, and lies in the payload; its answer is an
 * SA payload of which the same is taken; allowing more never makes it less; the words for the log
 * are text, and what they say would be needed is enough.
 */

#include "core/proto/ikev1/keys.h"
#include "core/proto/ikev1/proposal.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { ALL = 15, AUTHS = 1 << IKE1_PSK | 1 << IKE1_RSA };

static unsigned
weak_of(const struct ike1_suite *s)
{
    return (s->hash == IKE1_SHA1 ? IKE1_WEAK_SHA1 : 0u) |
           (s->hash == IKE1_MD5 ? IKE1_WEAK_MD5 : 0u) |
           (s->cipher == IKE1_3DES_CBC ? IKE1_WEAK_3DES : 0u) |
           (s->group == 2 || s->group == 5 ? IKE1_WEAK_MODP1024 : 0u);
}

static unsigned
weak_of_child(const struct esp_suite *s)
{
    return (s->integrity == ESP_SHA1_96 ? IKE1_WEAK_SHA1 : 0u) |
           (s->integrity == ESP_MD5_96 ? IKE1_WEAK_MD5 : 0u) |
           (s->cipher == ESP_3DES_CBC ? IKE1_WEAK_3DES : 0u);
}

static void
check_within(struct reader part, struct reader whole)
{
    if (part.left > 0)
        g_assert_true(part.at >= whole.at && part.at + part.left <= whole.at + whole.left);
}

static struct reader
answer_of(const struct ike1_choice *c, uint32_t spi, struct writer *w)
{
    ike1_write_choice(w, c, spi);
    g_assert_true(writer_ok(w));
    return reader_of(w->start, w->len);
}

static void
check_phase1(struct reader sa, unsigned weak, unsigned auths, uint16_t group)
{
    struct ike1_suite s;
    struct ike1_suite again;
    struct ike1_choice c;
    struct ike1_choice echoed;
    char text[200];

    enum ike1_offer got = ike1_choose(sa, weak, auths, group, &s, &c);
    unsigned need = ike1_offer_explain(sa, weak, text, sizeof(text));
    g_assert_true(g_utf8_validate(text, -1, NULL) && strlen(text) < sizeof(text));
    g_assert_cmpuint(need & weak, ==, 0);
    g_assert_cmpint(got == IKE1_OFFER_MALFORMED, ==, text[0] == '\0');
    if (got != IKE1_OFFER_TAKEN)
        return;
    g_assert_cmpuint(need, ==, 0);
    g_assert_cmpuint(weak_of(&s) & ~weak, ==, 0);
    g_assert_true(auths & 1u << s.auth);
    g_assert_true(group == 0 || s.group == group);
    g_assert_cmpuint(ike1_group_size(s.group), >, 0);
    check_within(c.attributes, sa);
    struct writer w = writer_of(g_malloc(sa.left + 32), sa.left + 32);
    g_assert_cmpint(ike1_choose(answer_of(&c, 0, &w), weak, auths, group, &again, &echoed), ==,
                    IKE1_OFFER_TAKEN);
    g_assert_true(s.cipher == again.cipher && s.key_bits == again.key_bits);
    g_assert_true(s.hash == again.hash && s.group == again.group && s.auth == again.auth);
    g_assert_cmpuint(s.life_s, ==, again.life_s);
    g_assert_cmpint(ike1_choose(sa, ALL, AUTHS, 0, &again, &echoed), ==, IKE1_OFFER_TAKEN);
    g_free(w.start);
}

static void
check_child(struct reader sa, const struct ike1_child_want *want)
{
    struct ike1_child_suite s;
    struct ike1_child_suite again;
    struct ike1_choice c;
    struct ike1_choice echoed;
    uint8_t own[128];

    if (ike1_choose_child(sa, want, &s, &c) != IKE1_OFFER_TAKEN)
        return;
    g_assert_cmpuint(weak_of_child(&s.esp) & ~want->weak, ==, 0);
    g_assert_cmpuint(ike1_group_size(s.group), ==, want->public_len);
    g_assert_cmpuint(esp_keymat_size(&s.esp), >, 0);
    g_assert_cmpuint(esp_keymat_size(&s.esp), <=, ESP_KEYMAT_MAX);
    g_assert_cmpint(s.mode > 2, ==, want->nat);
    check_within(c.attributes, sa);
    check_within(c.spi, sa);
    g_assert_cmpuint(c.spi.left, ==, 4);
    struct writer w = writer_of(g_malloc(sa.left + 32), sa.left + 32);
    g_assert_cmpint(ike1_choose_child(answer_of(&c, 0x1000, &w), want, &again, &echoed), ==,
                    IKE1_OFFER_TAKEN);
    g_assert_cmpstr(esp_suite_name(&s.esp), ==, esp_suite_name(&again.esp));
    g_assert_true(s.esp.esn == again.esp.esn && s.mode == again.mode && s.group == again.group);
    g_free(w.start);

    w = writer_of(own, sizeof(own));
    ike1_write_child_offer(&w, &s, want->nat, 0x1000);
    g_assert_true(writer_ok(&w));
    g_assert_cmpint(ike1_choose_child(reader_of(own, w.len), want, &again, &echoed), ==,
                    IKE1_OFFER_TAKEN);
    g_assert_cmpstr(esp_suite_name(&s.esp), ==, esp_suite_name(&again.esp));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t groups[] = {0, 2, 5, 14, 15, 16, 19, 20};
    struct reader r = reader_of(data, size);
    uint8_t allowed = reader_u8(&r);
    uint8_t asked = reader_u8(&r);
    uint16_t group = groups[asked & 7];

    if (!reader_ok(&r))
        return 0;
    check_phase1(r, allowed & ALL, allowed >> 4 & AUTHS, group);
    check_child(r, &(struct ike1_child_want){.nat = asked & 8,
                                             .weak = allowed & ALL,
                                             .public_len = ike1_group_size(group)});
    return 0;
}
