/* SPDX-License-Identifier: Apache-2.0 */
/* bench-openvpn-data.c - what one packet of OpenVPN's data channel costs: nanoseconds of processor
 * time to seal and to open, by cipher and length. The best of several rounds, since others use the
 * machine, too.
 */

#include "core/proto/openvpn/data.h"

#include <glib.h>

#include <stdio.h>
#include <time.h>

enum { PACKETS = 2000, ROUNDS = 20, HEAD = 54, ROOM = 1600 };

struct bench {
    struct ovpn_data *client, *server;
    size_t len;
    uint8_t payload[ROOM];
    uint8_t (*packet)[ROOM + OVPN_DATA_OVERHEAD_MAX];
    size_t packet_len[PACKETS];
};

static double
cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
seal(struct bench *b, size_t head)
{
    double from = cpu_ns();

    for (unsigned i = 0; i < PACKETS; i++)
        b->packet_len[i] = ovpn_data_seal(b->client, b->payload, head, b->payload + head,
                                          b->len - head, b->packet[i]);
    return (cpu_ns() - from) / PACKETS;
}

static double
open_all(struct bench *b)
{
    uint8_t out[ROOM];
    size_t len = 0;
    unsigned good = 0;
    double from = cpu_ns();

    for (unsigned i = 0; i < PACKETS; i++)
        good += ovpn_data_open(b->server, b->packet[i], b->packet_len[i], out, sizeof(out), &len) ==
                DROP_NONE;
    double ns = (cpu_ns() - from) / PACKETS;
    g_assert_cmpuint(good, ==, PACKETS);
    return ns;
}

static void
keep_best(double *best, double ns)
{
    *best = MIN(*best, ns);
}

static void
run(enum ovpn_cipher cipher, const char *digest, size_t len)
{
    struct ovpn_data_config config = {
        .cipher = cipher, .digest = digest, .peer_id = 5, .data_v2 = true};
    struct bench *b = g_new0(struct bench, 1);
    uint8_t block[OVPN_KEY_BLOCK] = {1, 2, 3};
    double whole = 1e9;
    double pieces = 1e9;
    double opened = 1e9;

    b->client = ovpn_data_new(&config, block);
    config.server = true;
    b->server = ovpn_data_new(&config, block);
    b->packet = g_malloc0(PACKETS * sizeof(b->packet[0]));
    b->len = len;
    for (unsigned i = 0; i < ROUNDS; i++) {
        keep_best(&whole, seal(b, 0));
        keep_best(&opened, open_all(b));
        keep_best(&pieces, seal(b, MIN(HEAD, len)));
    }
    (void)printf(
        "%-18s %-7s %5zu bytes  seal %6.0f ns  seal in two pieces %6.0f ns  open %6.0f ns\n",
        ovpn_cipher_name(cipher), digest ? digest : "", len, whole, pieces, opened);
    ovpn_data_free(b->client);
    ovpn_data_free(b->server);
    g_free(b->packet);
    g_free(b);
}

int
main(void)
{
    static const size_t lengths[] = {64, 1400};

    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        run(OVPN_AES_256_GCM, NULL, lengths[i]);
        run(OVPN_AES_128_GCM, NULL, lengths[i]);
        run(OVPN_CHACHA20_POLY1305, NULL, lengths[i]);
        run(OVPN_AES_256_CBC, "SHA1", lengths[i]);
        run(OVPN_AES_256_CBC, "SHA256", lengths[i]);
    }
    return 0;
}
