/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-keys.c - keys, hashes and ciphers by known answers, computed by another implementation
 * (Python's hmac, hashlib and cryptography). */

#include "core/proto/ikev1/keys.h"
#include "tests/unit/ikev1/hex.h"

#include <glib.h>

#include <string.h>

/* What all of it is made of: nonces of 16 octets 11 and 22, a secret of 0 to 127, public values of
 * 128 octets 33 and 44. */
struct parts {
    uint8_t nonce_i[16], nonce_r[16], shared[128], public_i[128], public_r[128], cookies[16];
    struct secret *psk;
    struct ike1_ingredients in;
};

static void
parts_init(struct parts *p)
{
    memset(p->nonce_i, 0x11, sizeof(p->nonce_i));
    memset(p->nonce_r, 0x22, sizeof(p->nonce_r));
    memset(p->public_i, 0x33, sizeof(p->public_i));
    memset(p->public_r, 0x44, sizeof(p->public_r));
    for (unsigned i = 0; i < sizeof(p->shared); i++)
        p->shared[i] = (uint8_t)i;
    (void)unhex("0102030405060708 1112131415161718", p->cookies, sizeof(p->cookies));
    p->psk = secret_text("vpn");
    p->in = (struct ike1_ingredients){
        .nonce_i = {p->nonce_i, sizeof(p->nonce_i)},
        .nonce_r = {p->nonce_r, sizeof(p->nonce_r)},
        .shared = {p->shared, sizeof(p->shared)},
        .public_i = {p->public_i, sizeof(p->public_i)},
        .public_r = {p->public_r, sizeof(p->public_r)},
        .cookies = p->cookies,
        .psk = p->psk,
    };
}

struct answer {
    struct ike1_suite suite;
    const char *skeyid, *d, *a, *e, *key, *iv, *hash_i, *hash_r, *exchange_iv;
    const char *keymat, *keymat_pfs; /* 52 and 96 octets */
};
static const struct answer answers[] = {
    {.suite = {IKE1_AES_CBC, 256, IKE1_SHA1, IKE1_PSK, 2, 0},
     .skeyid = "a2009f6905607f486622ba1fbaf691ae2480b21c",
     .d = "5842c43954e8e0aa7620178345ace131d2571761",
     .a = "87cc3a398d549e17c0aed98f5cc1ee56b0e2045b",
     .e = "332ffe7fd973ae3c081873f948e71b0210bbebcd",
     .key = "1efaf8e47401da406f179d7d21847d6f658a0ca967048a07f7c4bbac57756833",
     .iv = "5f0fc600d3d384dcce995826272308e6",
     .hash_i = "44396adb13f9a1dd8c64132ab39b96cc62045996",
     .hash_r = "1bb46db16a27741377fc464be70313bafd2c3d30",
     .exchange_iv = "cea5aa1bcb4d181be488142069d76091",
     .keymat = "dd432940471ce7eff33e5b0cf48bf47c0e927c85bc042f4ed599c63a92c44ed680ee20d43009c46c"
               "7e29926ddaafd9f8752bc70a",
     .keymat_pfs =
         "e50f3fe307033ae201ef128bde241b21ecbace6897e52379df927316117a00ecb3265ed299568d90"
         "65bafc85a2b2f3648e3e0e9f5a3245d35d2d4f69a0f59a66c73b248521d024b72556609133f7d2b3"
         "2d0dafe7cf5446884c7ac908432a0e22"},
    {.suite = {IKE1_AES_CBC, 256, IKE1_SHA256, IKE1_PSK, 2, 0},
     .skeyid = "4ec4f708de410d0bd666270a3a92b9041f25e41bd2caa1cec8afbbb5a1f5ac7a",
     .d = "19398bdc2cc75c782d3bdc67a2b8e9cb165ef550cf133163066d28af0b848d54",
     .a = "ff595db53ba43f927b887540253b143b86d3205fe449cb592ac47ef6ab0557e1",
     .e = "f180ebbab5e107e533db2fd8a85194ec0f16de163f727993e2fd648c61931978",
     .key = "f180ebbab5e107e533db2fd8a85194ec0f16de163f727993e2fd648c61931978",
     .iv = "d806e2a1df123cdcdb75a0c9600c8079",
     .hash_i = "7d5a24ba47282b5ee8ed2baa310ef8264c804c707936a3d42781f01c1b26a34b",
     .hash_r = "b569594cd210a35704509f5c3de0b23ba1c185256aed262883367794511960bb",
     .exchange_iv = "269fa9cde24edf1796a8774cb8267ddb",
     .keymat = "e9fc70098ca3b5b6a2840ec764ca13e368d3ac7aa2ffedd4656d26f050dc2eb73a6d03e2e05113b5"
               "4c8033c18cda1a1aaa932895",
     .keymat_pfs =
         "16b0da128d3df2b3f47f61c70c4459e9b9898c93a08e00575bf0ef75cd35117247428d9b2f5eb42d"
         "70a50e6d8b1c955c35baba67a3b88c069fdc9f32f30aed93e50370c913e25f4050c28e270e4a4d21"
         "67b91e9e792d1cf3fee7ae3711ac3e5f"},
    {.suite = {IKE1_3DES_CBC, 192, IKE1_MD5, IKE1_PSK, 2, 0},
     .skeyid = "1c1c66df7f649789a4db466d4787d8c4",
     .d = "c846aced6f41ca786d987400176e378e",
     .a = "89c28880d6669de278ad93a23d687965",
     .e = "88b6e21307acb39568ab7901efe85407",
     .key = "b16f547c6f291b91ec8a9ef0c8cb076410815336c8070d1f",
     .iv = "7bd83bf0dbe1e16b",
     .hash_i = "cc1f5c64571d096dd7bed9533952ecfb",
     .hash_r = "5fd96aab791d06d12d0205029f79d5a4",
     .exchange_iv = "b1b7eab5130e9d9a",
     .keymat = "eb7e72addbb233ea6eebc95231bb578c158e5f6d8c13bdeb922b1e12dfa903def29c2cbfcd32a5f2"
               "846e420fe5d3c641ed0f36ff",
     .keymat_pfs =
         "a9ee945952c6cac8d90ddbe4c81c4bf7d9ac417f758c89f508e655aa5e7b5e91779082d4eac74bdc"
         "c891929a096940ad362993e5a5db2b0926ab4b8243f78368eaf82c29c427915f6ce0960948ed1dbe"
         "8dd113bb1244df4dc8422f43c4ea4800"},
    {.suite = {IKE1_AES_CBC, 192, IKE1_SHA384, IKE1_PSK, 2, 0},
     .skeyid = "b9fb93122764094e39671e337c1e28aa9b37dbfca0de3cf459e97d745620e2be052eedc97dbd4aa3"
               "47bd438b7098096e",
     .d = "4d06a75cdb2d6550bc44003765a7921c426d86cab25e2acf81fdb436e4bdc437a7a3f6dcae1c77c7"
          "5133d3ff4e495de3",
     .a = "2e34cf1d8cd986a6e34d254ef3fe44dcaada4dc31d1ec15320207eb610764014e4302ab6a195030c"
          "5ad48dd5dbedbc2a",
     .e = "b69171f82488f133e41a6c743b512f75ee02be0a4ea083c05f7a2a0be30ef777ae7ba4b263c9e567"
          "e2e2085b7ebdca0e",
     .key = "b69171f82488f133e41a6c743b512f75ee02be0a4ea083c0",
     .iv = "70006c3476374772e6475f216b8caefd",
     .hash_i = "c561c61124c82ea4d7d48cbb6722fa75ec95002af202a594a79dee475a437cee6f9a23e91d072e52"
               "db109d5aa549101b",
     .hash_r = "84cba1d558fbeec7c259412509b8193ca8496dd7ed41dacf42b7473e43490a093fd4fa85fa8093b4"
               "f87c2e837bfa6177",
     .exchange_iv = "4d5c64b3053bd536827a75b90f8eee90",
     .keymat = "ef878f2dc7a2659684d05d9fff5573e778a6b8b9cabf236aeb8c3a07758144ff6c2bbcd681cdbba9"
               "e99cc236416f68f8bb22f287",
     .keymat_pfs =
         "812ebe88eee319c2ac6686ebee899b661a22ee6660c46c5d557c25592b918de8029aee3b6c5415a3"
         "7f97d895bc9b4ea34f1f734ca141424298bbfd91b3ba7d6bf997ba2644c9b99d9934c11675939b30"
         "ddb3dcb6828a6d9a51daab3ddae1e65e"},
    {.suite = {IKE1_AES_CBC, 128, IKE1_SHA512, IKE1_PSK, 2, 0},
     .skeyid = "93bba2924d1f57b3fac200de76f5fc2ddf6d59b31001bdfd6c76208a1e09614a306991d0acb6fa4e"
               "8cb3d21deadfaa22ecdaf4cc4d23dc6deeffa320dd2afcc1",
     .d = "e0f518a5d9b169f47911f9b96a081fbf31f6c30331671e8ab176d3cb0154d379dec2319c972e5df3"
          "bd6cdad17b7f53ab6aea0b30693873e2376eb2115abdedfe",
     .a = "eeb545a45403b902e03b46bd1606d54500b11d77e9fc4a8ed60130bd75e43924c2a17e689a7ad8ba"
          "abae1546ca52b313e0d60ad790fdf59cf43e365c2daa4715",
     .e = "c60ca9bdfcec18bc8989de486915d03c1918d733fcda947e5d25f8621cd8f197d53fb6ee9ef85509"
          "af34d988a9d9807a3a41339d121eeee59119b6d5a4a43b01",
     .key = "c60ca9bdfcec18bc8989de486915d03c",
     .iv = "7cab74d43b61e093916d500ca1307cf0",
     .hash_i = "234b8f25ffa43c48b36f0f40a87a781b9276783618d40024efe8c059ffacc2ead627890478dde03a"
               "2180eef1c096b71001bdece14c2bc0467b6f7626753db366",
     .hash_r = "f0c52364cd62740b01286dc23298f3dc2da83d5dc9225510eea8e1e1f20752da12ec7166a4abade5"
               "c87b56478d4f03efc5efd0523126794b898cf2544f4ac063",
     .exchange_iv = "e6bf80db46e3523acedae3c95313c2f8",
     .keymat = "760b811cb2425da4f0e77440ee223e20538d6995ce15c78f104e3bf3ed9811e8b8942f9627b28f86"
               "a9cff4f3afbb6fcabfe633bd",
     .keymat_pfs =
         "97ab5aae36632f5d96982c3acf5a2fef7e1e3f64c1ca49c41c6fa7e80cb059357013004e08bb95eb"
         "a955ef92a119e7722526f47f554a3fdcacb7fcfa3d18b48d5138173f10b389a28752ea38489bf06a"
         "d4687efbb2cd5ca3194d9ebf53dede63"},
    {.suite = {IKE1_3DES_CBC, 192, IKE1_SHA1, IKE1_RSA, 2, 0},
     .skeyid = "0d2d3fdd6716eb6ffda96e2feb6e9254fb5297dc",
     .d = "9780ebce9f7760c07a2f3bf84c91eb01f4b97b62",
     .a = "d9ae3d2fabff2a92f1ac3c7213f59a0336c71670",
     .e = "6419cd6017ffd29d91594a00f37a4ac558e7c5aa",
     .key = "e20f175c0e5ed623aa4015b6ee1361c4511e3f5c3a2002ac",
     .iv = "5f0fc600d3d384dc",
     .hash_i = "1403feced31f84f7ac96bdd2897fbb6513fc952e",
     .hash_r = "52028ef42b9f311e1e98a4b1e0fa272153bf1766",
     .exchange_iv = "8688cbbda7c07bdf",
     .keymat = "5f7c4ad8ab09215281c18e58beddee9a7aa50d544edec2db1a79f921da716f21dc36e7a86a1da4e6"
               "ab2302ee88aff81577cd03ae",
     .keymat_pfs =
         "fd8b4e76ed44e9a79d08072b5b1cf12a9cb90f8433aeebe6df23f3bb155493ea5608014a87668457"
         "e76d726ac6e91396bba6daf2b4e9b7a20c34d04d0306ec9f652c84ff40f4f54af2e734ebd59f3ce4"
         "cfc574c74dfe4715bc3b592a1d1b2341"},
};

static void
check_keymat(const struct ike1_keys *k, const struct parts *p, const struct answer *want)
{
    uint8_t nonces[32];
    uint8_t out[ESP_KEYMAT_MAX];
    struct ike1_child_ingredients from = {.nonce_i = {nonces, 16}, .nonce_r = {nonces + 16, 16}};

    memset(nonces, 0x55, 16);
    memset(nonces + 16, 0x66, 16);
    g_assert_true(ike1_keymat(k, &from, 0xa1b2c3d4, out, 52));
    assert_hex(out, 52, want->keymat);
    from.shared = p->in.shared;
    g_assert_true(ike1_keymat(k, &from, 0xa1b2c3d4, out, 96));
    assert_hex(out, 96, want->keymat_pfs);
}

static void
check_answer(const struct parts *p, const struct answer *want)
{
    static char sa[] = "SA body";
    static uint8_t id[] = {1, 17, 1, 0xf4, 192, 0, 2, 1};
    const struct pf_slice sa_i = {sa, strlen(sa)};
    const struct pf_slice id_b = {id, sizeof(id)};
    struct ike1_ingredients in = p->in;
    struct ike1_keys k;
    uint8_t out[IKE1_HASH_MAX];
    uint8_t iv[IKE1_BLOCK_MAX];
    size_t n = ike1_hash_size(want->suite.hash);
    size_t block = ike1_block_size(want->suite.cipher);

    if (want->suite.auth == IKE1_RSA)
        in.psk = NULL;
    g_assert_true(ike1_keys_make(&k, &want->suite, &in));
    assert_hex(k.skeyid, n, want->skeyid);
    assert_hex(k.d, n, want->d);
    assert_hex(k.a, n, want->a);
    assert_hex(k.e, n, want->e);
    assert_hex(k.cipher_key, want->suite.cipher == IKE1_3DES_CBC ? 24 : want->suite.key_bits / 8,
               want->key);
    assert_hex(k.iv, block, want->iv);
    g_assert_true(ike1_auth_hash(&k, &in, true, sa_i, id_b, out));
    assert_hex(out, n, want->hash_i);
    g_assert_true(ike1_auth_hash(&k, &in, false, sa_i, id_b, out));
    assert_hex(out, n, want->hash_r);
    g_assert_true(ike1_exchange_iv(&k, 0xdeadbeef, iv));
    assert_hex(iv, block, want->exchange_iv);
    check_keymat(&k, p, want);
}

static void
test_answers(void)
{
    struct parts p;

    parts_init(&p);
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++)
        check_answer(&p, &answers[i]);
    secret_free(p.psk);
}

/* RFC 2202, 4231 and 1321: that the prf is HMAC, for keys shorter and longer than a block. */
static void
test_prf(void)
{
    uint8_t key[131];
    uint8_t out[IKE1_HASH_MAX];
    char what[] = "what do ya want ";
    char rest[] = "for nothing?";
    const struct pf_slice parts[] = {{what, strlen(what)}, {NULL, 0}, {rest, strlen(rest)}};
    char larger[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    const struct pf_slice large = {larger, strlen(larger)};

    g_assert_true(ike1_prf(IKE1_MD5, "Jefe", 4, parts, 3, out));
    assert_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
    g_assert_true(ike1_prf(IKE1_SHA1, "Jefe", 4, parts, 3, out));
    assert_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    g_assert_true(ike1_prf(IKE1_SHA256, "Jefe", 4, parts, 3, out));
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    g_assert_true(ike1_prf(IKE1_SHA256, key, sizeof(key), &large, 1, out));
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    g_assert_true(ike1_prf(IKE1_SHA1, NULL, 0, NULL, 0, out)); /* an empty key is a key */
    assert_hex(out, 20, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
    g_assert_true(ike1_digest(IKE1_MD5, NULL, 0, out));
    assert_hex(out, 16, "d41d8cd98f00b204e9800998ecf8427e");
}

/* The IV is the last block of what was sent, either way. */
static void
check_cipher(const struct parts *p, const struct ike1_suite *s, const char *want, size_t len)
{
    struct ike1_keys k;
    uint8_t bytes[48];
    uint8_t iv[IKE1_BLOCK_MAX] = {0};
    uint8_t iv_back[IKE1_BLOCK_MAX] = {0};
    uint8_t sent[48];
    size_t block = ike1_block_size(s->cipher);

    g_assert_true(ike1_keys_make(&k, s, &p->in));
    memcpy(iv, k.iv, block);
    memcpy(iv_back, k.iv, block);
    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)i;
    g_assert_true(ike1_encrypt(&k, iv, bytes, block)); /* in two pieces: the IV moves */
    g_assert_true(ike1_encrypt(&k, iv, bytes + block, len - block));
    assert_hex(bytes, len, want);
    assert_bytes(iv, block, bytes + len - block, block);
    memcpy(sent, bytes, len);
    g_assert_true(ike1_decrypt(&k, iv_back, bytes, len));
    assert_bytes(iv_back, block, sent + len - block, block);
    for (unsigned i = 0; i < len; i++)
        g_assert_cmpuint(bytes[i], ==, i);
    g_assert_false(ike1_encrypt(&k, iv, bytes, 0));
    g_assert_false(ike1_encrypt(&k, iv, bytes, len - 1));
    g_assert_false(ike1_decrypt(&k, iv, bytes, block + 1));
    assert_bytes(iv, block, iv_back, block); /* not moved by what failed */
}

static void
test_ciphers(void)
{
    struct parts p;

    parts_init(&p);
    check_cipher(&p, &answers[0].suite,
                 "f98b6667fd82c97462b44195c349347b01339d73daf4390c56ed4e5fa1f3e419"
                 "0934e8607275109bce2eeaf63749fc86",
                 48);
    check_cipher(&p, &answers[2].suite, "af29b50dcaa243d472928852abea97f1399ec7f0e221221d", 24);
    secret_free(p.psk);
}

static void
test_nat_hash(void)
{
    struct parts p;
    struct endpoint v4 = {.port = 500};
    struct endpoint v6 = {.port = 4500};
    uint8_t out[IKE1_HASH_MAX];

    parts_init(&p);
    g_assert_true(ip_parse("192.0.2.1", &v4.ip));
    g_assert_true(ip_parse("2001:db8::1", &v6.ip));
    g_assert_true(ike1_nat_hash(IKE1_SHA1, p.cookies, &v4, out));
    assert_hex(out, 20, "d798d986143f878f70765e0e869c80bbc375f701");
    g_assert_true(ike1_nat_hash(IKE1_SHA1, p.cookies, &v6, out));
    assert_hex(out, 20, "1ee24423bf8f59515e0265c6d0f08be3d038f7e5");
    g_assert_true(ike1_nat_hash(IKE1_SHA256, p.cookies, &v4, out));
    assert_hex(out, 32, "1f2143b5f4921e97f1d040b016b4443a97ba0383703aa02d511907f137b11a77");
    secret_free(p.psk);
}

/* Nonces longer than they may be are no key by signatures; nothing is left behind. */
static void
test_nonce_too_long(void)
{
    struct parts p;
    struct ike1_keys k;
    struct ike1_keys none = {0};
    uint8_t nonce[2 * IKE1_NONCE_MAX] = {1};

    parts_init(&p);
    p.in.psk = NULL;
    p.in.nonce_i = (struct pf_slice){nonce, sizeof(nonce)};
    g_assert_false(ike1_keys_make(&k, &answers[0].suite, &p.in));
    assert_bytes(&k, sizeof(k), &none, sizeof(none));
    secret_free(p.psk);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-keys/answers", test_answers);
    g_test_add_func("/ike-keys/prf", test_prf);
    g_test_add_func("/ike-keys/ciphers", test_ciphers);
    g_test_add_func("/ike-keys/nat-hash", test_nat_hash);
    g_test_add_func("/ike-keys/nonce-too-long", test_nonce_too_long);
    return g_test_run();
}
