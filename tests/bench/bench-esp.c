/* SPDX-License-Identifier: Apache-2.0 */
/* bench-esp.c - what one packet of ESP costs, in batches as large as the data path's, beside what
 * OpenSSL alone takes for as many bytes (as "openssl speed -evp X -bytes 1400" measures it: nothing
 * but updates of one context). A round measures all of them in turn, each for milliseconds, since
 * the clock of processor time jumps by microseconds; figures are medians of the rounds, since
 * others use the machine, too. With AES-256-GCM sealing and opening reach MIN_SHARE of the cipher,
 * or the bench fails.
 */

#include "core/proto/esp/esp.h"

#include <glib.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PACKETS = 64,
    ROUNDS = 41,
    LONG = 100,
    SHORT = 2,
    PAYLOAD = 1400,
    ROOM = PAYLOAD + ESP_OVERHEAD_MAX
};
#define MIN_SHARE 0.60

struct bench {
    struct esp_out *out;
    struct esp_in *in;
    uint8_t payload[PAYLOAD];
    uint8_t packet[PACKETS][ROOM];
    unsigned batches; /* of one measurement */
    size_t len[PACKETS];
};

/* The primitives of a suite by themselves. */
struct bare {
    EVP_CIPHER_CTX *encrypt, *decrypt;
    EVP_MD_CTX *digest; /* NULL: AEAD */
    uint8_t text[ROOM + EVP_MAX_BLOCK_LENGTH];
};

static double
cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
seal_batch(struct bench *b)
{
    /* As a tunnel gives it: its header, and the frame. */
    struct pf_slice in[] = {{b->payload, 18}, {b->payload + 18, PAYLOAD - 18}};

    for (unsigned i = 0; i < PACKETS; i++)
        b->len[i] = esp_out_seal(b->out, in, 2, 17, b->packet[i]);
}

static void
open_batch(struct bench *b)
{
    struct esp_opened opened;
    unsigned good = 0;

    for (unsigned i = 0; i < PACKETS; i++)
        good += esp_in_open(b->in, b->packet[i], b->len[i], &opened) == DROP_NONE;
    g_assert_cmpuint(good, ==, PACKETS);
}

static double
esp_ns(struct bench *b, bool open)
{
    double from = cpu_ns();

    for (unsigned i = 0; i < b->batches; i++) {
        seal_batch(b);
        if (open)
            open_batch(b);
    }
    return (cpu_ns() - from) / (PACKETS * b->batches);
}

static double
bare_ns(struct bare *b, EVP_CIPHER_CTX *cipher, unsigned batches)
{
    double from = cpu_ns();
    int n = 0;

    for (unsigned i = 0; i < PACKETS * batches; i++) {
        (void)EVP_CipherUpdate(cipher, b->text, &n, b->text, PAYLOAD);
        if (b->digest)
            (void)EVP_DigestUpdate(b->digest, b->text, PAYLOAD);
    }
    return (cpu_ns() - from) / (PACKETS * batches);
}

static EVP_CIPHER_CTX *
bare_cipher(const char *name, bool encrypt)
{
    static const uint8_t key[32] = {1}, iv[16] = {2};
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    g_assert_true(EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt, NULL));
    (void)EVP_CIPHER_CTX_set_padding(ctx, 0);
    EVP_CIPHER_free(cipher);
    return ctx;
}

static void
bare_init(struct bare *b, const char *cipher, const char *digest)
{
    b->encrypt = bare_cipher(cipher, true);
    b->decrypt = bare_cipher(cipher, false);
    if (digest) {
        EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);
        b->digest = EVP_MD_CTX_new();
        g_assert_true(EVP_DigestInit_ex2(b->digest, md, NULL));
        EVP_MD_free(md);
    }
}

static void
bare_done(struct bare *b)
{
    EVP_CIPHER_CTX_free(b->encrypt);
    EVP_CIPHER_CTX_free(b->decrypt);
    EVP_MD_CTX_free(b->digest);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double of[ROUNDS])
{
    qsort(of, ROUNDS, sizeof(of[0]), compare);
    return of[ROUNDS / 2];
}

/* Prints one direction; returns the share. */
static double
tell(const char *name, const char *way, double esp[ROUNDS], double bare[ROUNDS])
{
    double share[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++)
        share[i] = bare[i] / esp[i]; /* of the same round */
    double of_bare = median(share);
    (void)printf("%s-%s %.0f ns a packet of %d bytes\n", name, way, median(esp), PAYLOAD);
    (void)printf("%s-%s-share %.1f %% of OpenSSL alone (%.0f ns)\n", name, way, 100 * of_bare,
                 median(bare));
    return of_bare;
}

/* The lower share of the two directions. */
static double
run(const struct esp_suite *suite, const char *cipher, const char *digest, unsigned batches)
{
    static const uint8_t keymat[ESP_KEYMAT_MAX] = {1, 2, 3};
    struct bench *b = g_new0(struct bench, 1);
    struct bare bare = {0};
    double seal[ROUNDS];
    double open[ROUNDS];
    double encrypt[ROUNDS];
    double decrypt[ROUNDS];

    b->batches = batches;
    b->out = esp_out_new(suite, 4711, keymat);
    b->in = esp_in_new(suite, 4711, keymat);
    bare_init(&bare, cipher, digest);
    for (unsigned i = 0; i < ROUNDS; i++) {
        encrypt[i] = bare_ns(&bare, bare.encrypt, batches);
        seal[i] = esp_ns(b, false);
        open[i] = esp_ns(b, true) - seal[i]; /* what is opened is sealed first */
        decrypt[i] = bare_ns(&bare, bare.decrypt, batches);
    }
    double seals = tell(esp_suite_name(suite), "seal", seal, encrypt);
    double opens = tell(esp_suite_name(suite), "open", open, decrypt);
    bare_done(&bare);
    esp_out_free(b->out);
    esp_in_free(b->in);
    g_free(b);
    return MIN(seals, opens);
}

int
main(void)
{
    double share =
        run(&(struct esp_suite){ESP_AES_GCM_16, ESP_AEAD, 256, false}, "AES-256-GCM", NULL, LONG);

    (void)run(&(struct esp_suite){ESP_AES_GCM_16, ESP_AEAD, 128, false}, "AES-128-GCM", NULL, LONG);
    (void)run(&(struct esp_suite){ESP_AES_CBC, ESP_SHA1_96, 256, false}, "AES-256-CBC", "SHA1",
              LONG);
    (void)run(&(struct esp_suite){ESP_AES_CBC, ESP_SHA256_128, 256, false}, "AES-256-CBC", "SHA256",
              LONG);
    (void)run(&(struct esp_suite){ESP_3DES_CBC, ESP_SHA1_96, 192, false}, "DES-EDE3-CBC", "SHA1",
              SHORT);
    if (share < MIN_SHARE) {
        (void)fprintf(stderr, "AES-256-GCM reaches %.0f %% of OpenSSL alone, less than %.0f %%\n",
                      100 * share, 100 * MIN_SHARE);
        return 1;
    }
    return 0;
}
