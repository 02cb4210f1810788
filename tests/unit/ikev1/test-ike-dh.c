/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-dh.c - groups by known answers: the curves' from RFC 5903, 8; the primes' computed by
 * Python, from the formulas of RFC 2409 and 3526 and its own digits of pi. */

#include "core/proto/ikev1/dh_priv.h"
#include "tests/unit/ikev1/hex.h"

#include <glib.h>
#include <openssl/bn.h>

#include <string.h>

static struct reader
public_of(const struct ike1_dh *d)
{
    struct pf_slice s = ike1_dh_public(d);

    return reader_of(s.at, s.len);
}

/* ---- known answers ---- */

struct curve_answer {
    uint16_t group;
    const char *i, *gi, *r, *gr, *shared;
};
static const struct curve_answer curves[] = {
    {19, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252"
     "d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e"
     "8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {20,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee"
     "3faef896783ab194",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4"
     "c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38e"
     "eb9fcff3c2c947dae69b4c634573a81c",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2"
     "960e4bd55a7448fc",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def9"
     "6fda41d0774a3571dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1ff"
     "f83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d0"
     "9cf5d4a270f59746"},
    {21,
     "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c295"
     "2c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
     "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e38"
     "0aeae57c2d107564941885942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c9"
     "46146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f15"
     "07438bf01beb6ca3926f9582",
     "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757"
     "a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb151685eb9",
     "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e"
     "95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b6"
     "23c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f47"
     "32296579ab44fcd17f0fc56a",
     "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa24"
     "0a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea"},
};

static struct ike1_dh *
curve_side(uint16_t group, const char *private_key, const char *public_key)
{
    uint8_t private_bytes[66];
    uint8_t public_bytes[132];
    size_t private_len = unhex(private_key, private_bytes, sizeof(private_bytes));
    size_t public_len = unhex(public_key, public_bytes, sizeof(public_bytes));
    struct ike1_dh *d = ike1_dh_begin_with(group, reader_of(private_bytes, private_len),
                                           reader_of(public_bytes, public_len));

    g_assert_nonnull(d);
    assert_hex(ike1_dh_public(d).at, ike1_dh_public(d).len, public_key);
    return d;
}

static void
test_curves(void)
{
    for (size_t n = 0; n < G_N_ELEMENTS(curves); n++) {
        const struct curve_answer *c = &curves[n];
        struct ike1_dh *i = curve_side(c->group, c->i, c->gi);
        struct ike1_dh *r = curve_side(c->group, c->r, c->gr);

        g_assert_true(ike1_dh_set_peer(i, public_of(r)));
        g_assert_true(ike1_dh_set_peer(r, public_of(i)));
        ike1_dh_compute(i);
        ike1_dh_compute(r);
        assert_hex(ike1_dh_shared(i).at, ike1_dh_shared(i).len, c->shared);
        assert_hex(ike1_dh_shared(r).at, ike1_dh_shared(r).len, c->shared);
        ike1_dh_free(i);
        ike1_dh_free(r);
    }
}

/* Private keys, and SHA-256 of both public values and the secret. All secrets begin with 0. */
static const struct {
    uint16_t group;
    const char *x, *y, *gx, *gy, *shared;
} primes[] = {
    {2, "844ecc08164e2eab27634a9adee1afa6599e589570e719784e080ce747fc0e82",
     "ad4063bd788deb6e33c38277838197a09aea6c4c94ead7fb948da1f6bac447ee",
     "980f77dcc33e4b981438a7b406460e372139d754456941d5647c57a50486143f",
     "dcd51e3d035c25810a72adc8644fd7112ee8ec8b2ac0907754232994df7c503c",
     "af4623e836f9355c4c0b08bc98c5b258f9d5b9de76a95bdda54259d19fb011e3"},
    {5, "29f2394eb92d0ded9247b8d7188ebddae3e13c71ebcf939302619b296044875a",
     "c1084b5865d0b5ac17a37b858a1d96a8cc29b152ff7111b5f830b7476e496428",
     "ddff29987b807c34a97a11d4ccc4297db6b02266638ebeaa330b9ec92054ccee",
     "3ef198e2d8f1b743d0ea3bfa9fcaba8f09681923d1a687e466aaca1c251185dc",
     "34c730244083a16161a1a32fa7b02741823617a5866314dadaa62d56410c0796"},
    {14, "ae010e6fdfaf2fe895c5a3aa787c1a4049478496437b555667c40f2120d36e4f",
     "661d7d2147315caaf6275e61e8b62cd6955044fbfa34e92387c4ec75f51e340a",
     "2081ef918199b2a88b86a641929c80ac68f6e3418696fd359f6d44e19a3b5b96",
     "7a2c775ce48dbcbbf441c8bc6a0caed3d43fd66c74dae316843a5cb0e97dd642",
     "59fa5b96bd25655316803858363aba4e46543c301b646a3ea343ef576e2d5f54"},
    {15, "bdb63d6b7c35d8ad1de13ba03d61c4265813c3bb2d00f47dad05e9d1ce1ea673",
     "e21b7044416bd28c255cbbceb27c3b1c1b715fa6485ff7d40b9f3abfb3b37722",
     "92cc158e961a0114a6362d8d360a8e6e87603b9fdf77ed9ace231af3c36b460b",
     "aa7f524c385c0207115268230265846e2059695198d940322c963af2fe83bdbb",
     "b3dc7baad555aae5dbbe820f306fa9e331f183bd4ee3e0a8214f48ec8ceeefd9"},
    {16, "a74ddab3d9e1e84e7184a7b71bf8b590394210932d2686ed3d79932f2f2482ac",
     "6ba5aa1246212975175371ecf6ceb4a9caeae64f75fb92e9031693b6b297304a",
     "3a1556f237d8633b637fae8e8cdbe6cded769ecc3948dd8edf7f2beeb67ba924",
     "d1ec523ca067c2b1e432ba5f0dabec4e88d2e3f566fdb7cd33fc750512ab68cd",
     "1110f3142124a4ae56c51052b97550e8d3eccc6e5a48c89d6e87697637da6f8a"},
};

static void
assert_sha256(struct pf_slice s, const char *want)
{
    uint8_t out[IKE1_HASH_MAX];

    g_assert_true(ike1_digest(IKE1_SHA256, &s, 1, out));
    assert_hex(out, 32, want);
}

static struct ike1_dh *
prime_side(uint16_t group, const char *private_key)
{
    uint8_t bytes[32];
    size_t len = unhex(private_key, bytes, sizeof(bytes));

    return ike1_dh_begin_with(group, reader_of(bytes, len), reader_of(NULL, 0));
}

static void
test_primes(void)
{
    for (size_t n = 0; n < G_N_ELEMENTS(primes); n++) {
        struct ike1_dh *x = prime_side(primes[n].group, primes[n].x);
        struct ike1_dh *y = prime_side(primes[n].group, primes[n].y);

        assert_sha256(ike1_dh_public(x), primes[n].gx);
        assert_sha256(ike1_dh_public(y), primes[n].gy);
        g_assert_true(ike1_dh_set_peer(x, public_of(y)));
        g_assert_true(ike1_dh_set_peer(y, public_of(x)));
        ike1_dh_compute(x);
        ike1_dh_compute(y);
        g_assert_cmpuint(ike1_dh_shared(x).len, ==, ike1_group_size(primes[n].group));
        g_assert_cmpuint(*(const uint8_t *)ike1_dh_shared(x).at, ==, 0);
        assert_sha256(ike1_dh_shared(x), primes[n].shared);
        assert_sha256(ike1_dh_shared(y), primes[n].shared);
        ike1_dh_free(x);
        ike1_dh_free(y);
    }
}

/* ---- what a machine does ---- */

static const uint16_t all_groups[] = {2, 5, 14, 15, 16, 19, 20, 21};

static void
test_sizes(void)
{
    static const size_t sizes[] = {128, 192, 256, 384, 512, 64, 96, 132};

    for (size_t i = 0; i < G_N_ELEMENTS(all_groups); i++) {
        g_assert_cmpuint(ike1_group_size(all_groups[i]), ==, sizes[i]);
        g_assert_cmpuint(ike1_group_of(sizes[i]), ==, all_groups[i]);
    }
    g_assert_cmpuint(ike1_group_of(0), ==, 0);
    for (uint16_t g = 0; g < 40; g++)
        if (ike1_group_size(g) == 0)
            g_assert_null(ike1_dh_begin(g));
    g_assert_cmpuint(ike1_group_size(1), ==, 0);
    g_assert_cmpuint(ike1_group_size(17), ==, 0);
}

/* One side begins, the other one answers: the same secret, and another one each time. */
static void
check_both(uint16_t group, uint8_t first[IKE1_SHARED_MAX], bool again)
{
    struct ike1_dh *i = ike1_dh_begin(group);

    g_assert_cmpuint(ike1_dh_public(i).len, ==, 0);
    ike1_dh_compute(i);
    g_assert_cmpuint(ike1_dh_public(i).len, ==, ike1_group_size(group));
    g_assert_cmpuint(ike1_dh_shared(i).len, ==, 0);

    struct ike1_dh *r = ike1_dh_new(group, public_of(i));
    g_assert_nonnull(r);
    ike1_dh_compute(r);
    g_assert_true(ike1_dh_set_peer(i, public_of(r)));
    ike1_dh_compute(i);
    struct pf_slice a = ike1_dh_shared(i);
    struct pf_slice b = ike1_dh_shared(r);
    g_assert_cmpuint(a.len, >, 0);
    assert_bytes(a.at, a.len, b.at, b.len);
    if (again)
        g_assert_cmpint(memcmp(a.at, first, a.len), !=, 0);
    memcpy(first, a.at, a.len);
    ike1_dh_free(i);
    ike1_dh_free(r);
}

static void
test_both_sides(void)
{
    uint8_t first[IKE1_SHARED_MAX];

    for (size_t i = 0; i < G_N_ELEMENTS(all_groups); i++) {
        check_both(all_groups[i], first, false);
        check_both(all_groups[i], first, true);
    }
    ike1_dh_free(NULL);
}

/* ---- degenerate values ---- */

static void
refused(uint16_t group, const uint8_t *bytes, size_t len)
{
    struct ike1_dh *begun = ike1_dh_begin(group);

    g_assert_null(ike1_dh_new(group, reader_of(bytes, len)));
    g_assert_false(ike1_dh_set_peer(begun, reader_of(bytes, len)));
    ike1_dh_compute(begun);
    g_assert_cmpuint(ike1_dh_shared(begun).len, ==, 0);
    ike1_dh_free(begun);
}

/* p + add of a group, as it would be sent. */
static void
near_prime(uint16_t group, int add, uint8_t *out)
{
    BIGNUM *p = group == 2    ? BN_get_rfc2409_prime_1024(NULL)
                : group == 5  ? BN_get_rfc3526_prime_1536(NULL)
                : group == 14 ? BN_get_rfc3526_prime_2048(NULL)
                : group == 15 ? BN_get_rfc3526_prime_3072(NULL)
                              : BN_get_rfc3526_prime_4096(NULL);

    g_assert_true(add < 0 ? BN_sub_word(p, (BN_ULONG)-add) : BN_add_word(p, (BN_ULONG)add));
    g_assert_cmpint(BN_bn2binpad(p, out, (int)ike1_group_size(group)), >, 0);
    BN_free(p);
}

static void
test_bad_primes(void)
{
    for (size_t i = 0; i < 5; i++) {
        uint16_t g = all_groups[i];
        size_t len = ike1_group_size(g);
        uint8_t y[IKE1_SHARED_MAX + 1] = {0};

        refused(g, y, len); /* 0 */
        y[len - 1] = 1;
        refused(g, y, len);
        near_prime(g, -1, y);
        refused(g, y, len);
        near_prime(g, 0, y);
        refused(g, y, len);
        near_prime(g, 1, y);
        refused(g, y, len);
        memset(y, 0xff, sizeof(y));
        refused(g, y, len);
        memset(y, 0x42, sizeof(y));
        refused(g, y, len - 1);
        refused(g, y, len + 1);
        refused(g, y, 0);

        near_prime(g, -2, y); /* the largest that is one */
        struct ike1_dh *d = ike1_dh_new(g, reader_of(y, len));
        g_assert_nonnull(d);
        ike1_dh_compute(d);
        g_assert_cmpuint(ike1_dh_shared(d).len, ==, len);
        ike1_dh_free(d);
    }
}

static void
test_bad_points(void)
{
    for (size_t n = 0; n < G_N_ELEMENTS(curves); n++) {
        uint16_t g = curves[n].group;
        size_t len = ike1_group_size(g);
        uint8_t good[132];
        uint8_t point[140] = {0};

        g_assert_cmpuint(unhex(curves[n].gr, good, sizeof(good)), ==, len);
        refused(g, point, len); /* where infinity would be */
        memset(point, 0xff, sizeof(point));
        refused(g, point, len); /* past the field */
        memcpy(point, good, len);
        point[len - 1] ^= 1;
        refused(g, point, len); /* beside the curve */
        memcpy(point, good, len);
        refused(g, point, len - 1);
        refused(g, point, len + 1);
        memcpy(point + 1, good, len); /* as others write it, with 04 before */
        point[0] = 4;
        refused(g, point, len + 1);
        refused(g, point, len);
        struct ike1_dh *d = ike1_dh_new(g, reader_of(good, len));
        g_assert_nonnull(d);
        ike1_dh_free(d);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-dh/curves", test_curves);
    g_test_add_func("/ike-dh/primes", test_primes);
    g_test_add_func("/ike-dh/sizes", test_sizes);
    g_test_add_func("/ike-dh/both-sides", test_both_sides);
    g_test_add_func("/ike-dh/bad-primes", test_bad_primes);
    g_test_add_func("/ike-dh/bad-points", test_bad_points);
    return g_test_run();
}
