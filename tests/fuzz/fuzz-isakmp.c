/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-isakmp.c - a message: header, payloads, attributes, identities, vendors.
 *
 * Laws: nothing outside of the message is named; payloads follow each other without a gap; what is
 * read and written again is the same; an identity's text is printable and none is empty.
 */

#include "core/proto/ikev1/id.h"
#include "core/proto/ikev1/isakmp.h"
#include "core/proto/ikev1/vendor.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

static void
check_id(struct reader body)
{
    struct ike1_id id;
    struct esp_selector s;

    if (ike1_id_read(body, &id)) {
        g_assert_cmpuint(strnlen(id.text, IKE1_ID_TEXT), <, IKE1_ID_TEXT);
        g_assert_true(id.text[0] != '\0' && g_utf8_validate(id.text, -1, NULL));
        for (const char *p = id.text; *p; p++)
            g_assert_false(g_ascii_iscntrl(*p));
    }
    if (ike1_id_selector(body, &s)) {
        g_assert_cmpuint(s.first.family, ==, s.last.family);
        g_assert_cmpint(memcmp(s.first.b, s.last.b, sizeof(s.first.b)), <=, 0);
    }
}

static void
check_attributes(struct reader r)
{
    struct isakmp_attribute a;
    size_t left = r.left;

    while (isakmp_attribute_next(&r, &a)) {
        g_assert_cmpuint(r.left + 4, <=, left);
        g_assert_true(a.value.at + a.value.left == r.at || a.value.left == 0);
        g_assert_true(a.value.left <= 8 || isakmp_attribute_number(&a) == UINT64_MAX);
        left = r.left;
    }
    g_assert_true(r.failed || r.left == 0);
}

/* All payloads again, by the writer. */
static void
check_written(const struct isakmp_header *h, const struct isakmp_payloads *all, const uint8_t *data,
              size_t len)
{
    uint8_t *bytes = g_malloc(len + 8);
    struct writer w = writer_of(bytes, len + 8);
    struct isakmp_writer m;

    isakmp_begin(&m, &w, h);
    for (unsigned i = 0; i < all->n; i++)
        isakmp_payload_add(&m, all->p[i].type, all->p[i].body.at, all->p[i].body.left);
    isakmp_end(&m);
    g_assert_true(writer_ok(&w) && w.len == len);
    for (size_t i = ISAKMP_HEADER, p = 0; i < len; i++) {
        while (p < all->n && data + i >= all->p[p].body.at + all->p[p].body.left &&
               data + i >= all->p[p].start + 4)
            p++;
        if (p < all->n && data + i == all->p[p].start + 1)
            continue; /* reserved */
        g_assert_cmpuint(bytes[i], ==, data[i]);
    }
    g_free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct isakmp_header h;
    struct isakmp_payloads all;

    if (!isakmp_header_read(&r, &h))
        return 0;
    g_assert_cmpuint(h.length, ==, ISAKMP_HEADER + r.left);
    g_assert_cmpuint(h.length, <=, size);
    if (!isakmp_payloads_read(r, h.next, &all))
        return 0;
    g_assert_cmpuint(all.n, <=, ISAKMP_PAYLOADS_MAX);
    const uint8_t *at = r.at;
    for (unsigned i = 0; i < all.n; i++) {
        g_assert_true(all.p[i].start == at);
        at += 4 + all.p[i].body.left;
        check_id(all.p[i].body);
        check_attributes(all.p[i].body);
        unsigned v = ike1_vendor_of(all.p[i].body);
        g_assert_cmpuint(v & (v - 1), ==, 0);
    }
    g_assert_true(all.end == at && at <= data + h.length);
    check_written(&h, &all, data, (size_t)(at - data));
    return 0;
}
