/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 3602, section 4 (AES-CBC in ESP), of draft-mcgrew-gcm-test (AES-GCM in ESP,
 * RFC 4106) and of RFC 2202 and 4231 (HMACs, which RFC 2403, 2404 and 4868 truncate). */

#include "core/proto/esp/esp_priv.h"

#include <glib.h>

enum { ROOM = 512 };

static size_t
unhex(const char *text, uint8_t *out)
{
    size_t n = 0;

    for (; *text; text += 2)
        out[n++] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
    return n;
}

/* ---- AES-CBC: packets without ICV; we put ours behind them ---- */

struct cbc {
    const char *key;
    uint32_t spi;
    uint32_t seq;
    uint8_t next_header;
    const char *payload;
    const char *packet; /* from the SPI on */
};
static const struct cbc cbc[] = {
    {"90d382b410eeba7ad938c46cec1a82bf", 0x4321, 1, 1,
     "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
     "262728292a2b2c2d2e2f3031323334353637",
     "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a4870b66cc6b"
     "9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add0"
     "47ad2d5913ac19b7cfbad4a6"},
    {"90d382b410eeba7ad938c46cec1a82bf", 0x4321, 8, 1,
     "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777",
     "000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce742e8109689bb379d2d7"
     "50c0d915dca346a89f75"},
    {"0123456789abcdef0123456789abcdef", 0x8765, 2, 4,
     "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f1011"
     "12131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
     "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a"
     "93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5c177f132"
     "ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d"},
    {"0123456789abcdef0123456789abcdef", 0x8765, 5, 4,
     "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffff",
     "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc00f7048fe45318e11f8a"
     "0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b"
     "5ef6affc6d17a0decbb13892"},
};

static void
test_cbc(void)
{
    static const struct esp_suite suite = {ESP_AES_CBC, ESP_SHA1_96, 128, false};

    for (size_t i = 0; i < G_N_ELEMENTS(cbc); i++) {
        uint8_t keymat[ESP_KEYMAT_MAX] = {0};
        uint8_t want[ROOM];
        uint8_t payload[ROOM];
        uint8_t packet[ROOM];
        struct esp_opened opened;
        size_t n_want = unhex(cbc[i].packet, want);
        size_t len = unhex(cbc[i].payload, payload);
        struct pf_slice in = {payload, len};

        (void)unhex(cbc[i].key, keymat);
        struct esp_out *o = esp_out_new(&suite, cbc[i].spi, keymat);
        struct esp_in *opener = esp_in_new(&suite, cbc[i].spi, keymat);
        o->seq = cbc[i].seq - 1;
        o->random_left = sizeof(o->random); /* the next IV is the vector's */
        memcpy(o->random, want + ESP_HEADER, 16);
        size_t n = esp_out_seal(o, &in, 1, cbc[i].next_header, packet);
        g_assert_cmpuint(n, ==, n_want + 12);
        g_assert_true(memcmp(packet, want, n_want) == 0);
        g_assert_cmpint(esp_in_open(opener, packet, n, &opened), ==, DROP_NONE);
        g_assert_true(opened.len == len && memcmp(opened.data, payload, len) == 0);
        g_assert_cmpint(opened.next_header, ==, cbc[i].next_header);
        esp_out_free(o);
        esp_in_free(opener);
    }
}

/* ---- AES-GCM ---- */

struct gcm {
    unsigned key_bits;
    uint64_t seq;
    bool esn;
    const char *key;    /* with its salt */
    const char *packet; /* SPI, lower half of the sequence, IV, ciphertext, ICV */
    const char *text;   /* with padding and trailer */
};
static const struct gcm gcm[] = {
    {128, UINT64_C(0x8765432100000000), true, "4c80cdefbb5d10da906ac73c3613a6342e443b68",
     "00004321000000004956ed7e3b244cfefecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ce"
     "ac34cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd973245901814"
     "8f6cbe722fd04796562dfdb4",
     "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f756470"
     "037369700963796265726369747902646b000021000101020201"},
    {192, 10, false, "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe",
     "0000a5f80000000afacedbaddecaf888a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfb"
     "dbd0315b27452144cc7795457b9652037f5318027b5b4cd7a636",
     "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d075680001"},
};

static void
test_gcm(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(gcm); i++) {
        struct esp_suite suite = {ESP_AES_GCM_16, ESP_AEAD, gcm[i].key_bits, gcm[i].esn};
        uint8_t keymat[ESP_KEYMAT_MAX];
        uint8_t packet[ROOM];
        uint8_t text[ROOM];
        struct esp_opened opened;
        size_t n = unhex(gcm[i].packet, packet);
        size_t n_text = unhex(gcm[i].text, text);
        size_t pad = text[n_text - 2];

        g_assert_cmpuint(unhex(gcm[i].key, keymat), ==, esp_keymat_size(&suite));
        struct esp_in *opener = esp_in_new(&suite, (uint32_t)(packet[2] << 8 | packet[3]), keymat);
        opener->window.top = gcm[i].seq - 1;
        g_assert_cmpint(esp_in_open(opener, packet, n, &opened), ==, DROP_NONE);
        g_assert_cmpuint(opened.len, ==, n_text - 2 - pad);
        g_assert_true(memcmp(opened.data, text, n_text) == 0);
        g_assert_cmpint(opened.next_header, ==, text[n_text - 1]);
        esp_in_free(opener);
    }
}

/* ---- HMACs: RFC 2202's first cases, and those of RFC 4868, 2.7.2 ---- */

static void
test_hmac(void)
{
    static const struct {
        enum esp_integrity integrity;
        size_t key_len;
        const char *mac;
    } cases[] = {
        {ESP_MD5_96, 16, "9294727a3638bb1c13f48ef8158bfc9d"},
        {ESP_SHA1_96, 20, "b617318655057264e28bc0b6fb378c8ef146be00"},
        {ESP_SHA256_128, 32, "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"},
        {ESP_SHA384_192, 48,
         "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc4c5df61d5b3297b4fb68dab9"
         "f1b582c2"},
        {ESP_SHA512_256, 64,
         "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8ac2878ebd5803f6f0b61dbce"
         "5e251ff8789a4722c1be65aea45fd464e89f8f5b"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct esp_suite suite = {ESP_AES_CBC, cases[i].integrity, 128, false};
        struct esp_shape shape;
        uint8_t keymat[ESP_KEYMAT_MAX];
        uint8_t want[EVP_MAX_MD_SIZE];
        uint8_t mac[EVP_MAX_MD_SIZE];
        size_t n = unhex(cases[i].mac, want);

        memset(keymat, 0x0b, sizeof(keymat));
        g_assert_true(esp_shape_of(&suite, &shape));
        g_assert_cmpuint(shape.mac_key_len, ==, cases[i].key_len);
        EVP_MAC_CTX *ctx = esp_mac_new(&shape, keymat);
        for (unsigned again = 0; again < 3; again++) {
            g_assert_true(esp_mac_make(ctx, (const uint8_t *)"Hi There", 8, &suite, 1, mac));
            g_assert_true(memcmp(mac, want, n) == 0);
        }
        EVP_MAC_CTX_free(ctx);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/esp/vectors/cbc", test_cbc);
    g_test_add_func("/esp/vectors/gcm", test_gcm);
    g_test_add_func("/esp/vectors/hmac", test_hmac);
    return g_test_run();
}
