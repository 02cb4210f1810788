/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-esp.c - packets of ESP.
 *
 * Input: one byte (suite), one byte (what the rest is: 0 a packet; 1 a payload, sealed first; 2 a
 * payload, sealed, and then one bit of it is flipped; 3 a text with its padding and trailer, sealed
 * as it is: what a peer who has the key may send), two bytes (which bit), then bytes. Laws: what is
 * opened lies within the packet; a payload comes out as it went in, once; a flipped bit is noticed.
 */

#include "core/proto/esp/esp_priv.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/esp/suites.h"

#include <glib.h>

enum { SPI = 0x1000, MOST = 4096 };

struct lab {
    struct esp_out *out;
    struct esp_in *in;
    uint8_t packet[MOST + ESP_OVERHEAD_MAX];
    uint8_t copy[MOST + ESP_OVERHEAD_MAX];
};

static enum drop
open_packet(struct lab *lab, uint8_t *packet, size_t len, struct esp_opened *out)
{
    uint64_t was = esp_in_packets(lab->in);

    *out = (struct esp_opened){0};
    enum drop why = esp_in_open(lab->in, packet, len, out);
    g_assert((why == DROP_NONE) == (out->data != NULL));
    g_assert(why != DROP_NONE || (out->data >= packet && out->data + out->len <= packet + len));
    g_assert(esp_in_packets(lab->in) ==
             was + (why == DROP_NONE || (why == DROP_MALFORMED && esp_in_packets(lab->in) > was)));
    return why;
}

static void
as_payload(struct lab *lab, const uint8_t *data, size_t size, unsigned bit, bool flip)
{
    struct pf_slice in[] = {{(void *)(uintptr_t)data, size / 3},
                            {(void *)(uintptr_t)(data + size / 3), size - size / 3}};
    struct esp_opened opened;
    size_t n = esp_out_seal(lab->out, in, 2, 17, lab->packet);

    g_assert(n == esp_out_size(lab->out, size) && n <= size + ESP_OVERHEAD_MAX);
    if (flip) {
        memcpy(lab->copy, lab->packet, n);
        lab->copy[bit / 8 % n] ^= (uint8_t)(1 << bit % 8);
        g_assert(open_packet(lab, lab->copy, n, &opened) != DROP_NONE);
        g_assert(esp_in_packets(lab->in) == 0);
    }
    memcpy(lab->copy, lab->packet, n);
    g_assert(open_packet(lab, lab->copy, n, &opened) == DROP_NONE);
    g_assert(opened.len == size && opened.next_header == 17);
    g_assert(size == 0 || memcmp(opened.data, data, size) == 0);
    g_assert(open_packet(lab, lab->packet, n, &opened) == DROP_REPLAY);
}

static void
as_text(struct lab *lab, const uint8_t *data, size_t size)
{
    size_t align = lab->out->shape.align;
    struct esp_opened opened;
    size_t len = size / align * align;

    if (len == 0)
        return;
    size_t n = esp_seal_text(lab->out, data, len, lab->packet);
    enum drop why = open_packet(lab, lab->packet, n, &opened);
    g_assert(why == DROP_NONE || why == DROP_MALFORMED);
    g_assert(esp_in_packets(lab->in) == 1);
    g_assert(why != DROP_NONE || memcmp(opened.data, data, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > MOST)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    const struct esp_suite *suite = &all_suites[data[0] % G_N_ELEMENTS(all_suites)];
    uint8_t keymat[ESP_KEYMAT_MAX];
    struct esp_opened opened;

    for (unsigned i = 0; i < sizeof(keymat); i++)
        keymat[i] = (uint8_t)(5 * i + 1);
    lab->out = esp_out_new(suite, SPI, keymat);
    lab->in = esp_in_new(suite, SPI, keymat);
    switch (data[1] % 4) {
    case 0:
        memcpy(lab->packet, data + 4, size - 4);
        (void)open_packet(lab, lab->packet, size - 4, &opened);
        break;
    case 1:
    case 2:
        as_payload(lab, data + 4, size - 4, (unsigned)(data[2] << 8 | data[3]), data[1] % 4 == 2);
        break;
    default:
        as_text(lab, data + 4, size - 4);
        break;
    }
    esp_out_free(lab->out);
    esp_in_free(lab->in);
    g_free(lab);
    return 0;
}
