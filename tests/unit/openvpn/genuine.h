/* SPDX-License-Identifier: Apache-2.0 */
/* genuine.h - key files and first packets as openvpn 2.6.14 made them (--genkey secret, --genkey
 * tls-crypt-v2-server, --genkey tls-crypt-v2-client without and with metadata). The keys protect
 * nothing. */
#pragma once

static const char genuine_static[] = "#\n"
                                     "# 2048 bit OpenVPN static key\n"
                                     "#\n"
                                     "-----BEGIN OpenVPN Static key V1-----\n"
                                     "cd3530abd0c34a2ed43cf1bcc334a03a\n"
                                     "e4aa1e9792420bf869bc94279a72c61b\n"
                                     "b086909f2e511fcb5832bfb96eea19d5\n"
                                     "a3a1b048d2652cc1404fd149bebda5ae\n"
                                     "d23acf3506cfc786c880659611a7f970\n"
                                     "43be10adde83c41cd9382f8696d0639a\n"
                                     "ae5c73da3dbd5189f2efbc0bd939ac93\n"
                                     "f00e1d0ffbee83b483d0ae89d313e816\n"
                                     "b84752d1292a6dc91a10f4abdc71b966\n"
                                     "de389e5f9d4be022b6cbac04db2545cd\n"
                                     "c080eb7df15bf7f8a9c91e7cf7565a77\n"
                                     "ac3c1f57683e83dc2046fe95fea4eeba\n"
                                     "af138fdcd7f771d34e6f69169cb8b986\n"
                                     "95273a7dc5a91d9b1121e1bff11f91d9\n"
                                     "11634124cae745aa407ea2ec17585e47\n"
                                     "2c5e2c74d6a0309c8b0c300df7fcdad5\n"
                                     "-----END OpenVPN Static key V1-----\n";

static const char genuine_v2_server[] =
    "-----BEGIN OpenVPN tls-crypt-v2 server key-----\n"
    "pmEVH8vvAV4CI3zjDFZFdsxkO7XPQCq8zFvxDYTsEkqUmxDdPUixq7T2q4Y8pfJq\n"
    "TxEeHW6Fsc3/Ywq1uDtXE+pDPYdVXVkEX9no1Lxt3jWBfRADVIkd9T6djMmqYGqj\n"
    "l7QR4SR62dM76k0Ism3m6DRyH7C8Zi2kqq3Rojac8lg=\n"
    "-----END OpenVPN tls-crypt-v2 server key-----\n";

static const char genuine_v2_client[] =
    "-----BEGIN OpenVPN tls-crypt-v2 client key-----\n"
    "Wz2dbAFAvHFhjTM4jvjJinTfTec9KURTlPSQYp9F8Ibpt2mJBGugRI2YznfJzXNe\n"
    "1WuR/wDZ+JwNXE1YVosbapxuEeBOMqsX6zgh3iLx298WPtXAWnQKviMBf8cZPS90\n"
    "hmOS9rKu/jAZUamGCkTb8DaQqRQiokfbzXZg/shkVNQP/VobtsuI6bPWelD8e1HV\n"
    "8NRBWjSHXO3aRHREAyRXOSFb/lXaLK5KpzwZjBnPL77jSUji5rrinK6WdfLtQXtD\n"
    "Dt+RI6vHFaDy1JBCQ1vlSGSaHAKBGaxRky1DIexUMcqHPPbTi1QqxYopdmePfQE+\n"
    "dhYH7pX/gJPVNbXGtGFB7PjrKluEPi5R19LlzNLY3yUB981GIRVyiqsAy7f5W3KS\n"
    "jM3dUeWb5dlxFtAUE9c4t2m0iCAl2giCBwSBMmmMcPl9dwcACtxL/ZjNOp+TCuy2\n"
    "Fsx5rMyJ/kX02nY1uCxykahgsK8R9yRqb1bApTUE937U1/FTJ5dP/ftR+u9kMxPu\n"
    "A8c+w0JmPa+dc7w1FlbE+eJylOVYjzdIkQJr3WkRoMp4nYggb7XIzYvJ7RMU8/iT\n"
    "iA2DQnO4KJuYz+Bthea51ZZM1AcQXJUaDSRNHthrDRFe28YyFpZ73Agulr5RswwK\n"
    "xrNFgjLR8ZomjPiZORVwH++AIjuhEqcLYnKCLGpbnc30PQIE0jDpmfgRv03GOwS9\n"
    "yt/7WNQGl3JYrnaWyWMkUWX18oP3c4+HUAEr\n"
    "-----END OpenVPN tls-crypt-v2 client key-----\n";

static const char genuine_auth_sha1[] =
    "389bff179fac9553bda4ea47933c42005df8a7cd19f3ca29da1fe4f983000000016b0585ae0000000000";

static const char genuine_auth_sha256[] =
    "3878df3c4e39ce173f9da0290402255f7f3035d1492a34a90fbbdb0bbf409e6513b4e65fdde19834b1000000"
    "016b0585ae0000000000";

static const char genuine_auth_sha512[] =
    "38990fbd0f556f7153a94ab4a5b0950f7e42d2aaf3206d8fdc0c922ed6c3e51078e6e1eca8e1fd7ca93ae928"
    "13304667b344d0c3a6928bdde3563feb9fa1fe2b274ee9536dd1d433c0000000016b0585ae0000000000";

static const char genuine_crypt[] =
    "38a41b105c0fba9c10000000016b0585ae197f8d9bbfafe5660c0e1d95596f4fc5463d401f3aad1bc31ee000"
    "f73a480b6cfa01836a9a";

static const char genuine_v2[] =
    "50475d08ab666dca770f0000016b0585ae2befe3927b52d265ab3443b9c98d38a4e1ea30bfe6e4567f93f964"
    "60095224a5d7021313b1f8eb2a5b843e2e51d7d2e5ccd2d8df2501f7cd462115728aab00cbb7f95b72928ccd"
    "dd51e59be5d97116d01413d738b769b4882025da088207048132698c70f97d7707000adc4bfd98cd3a9f930a"
    "ecb616cc79accc89fe45f4da7635b82c7291a860b0af11f7246a6f56c0a53504f77ed4d7f15327974ffdfb51"
    "faef643313ee03c73ec342663daf9d73bc351656c4f9e27294e5588f374891026bdd6911a0ca789d88206fb5"
    "c8cd8bc9ed1314f3f893880d834273b8289b98cfe06d85e6b9d5964cd407105c951a0d244d1ed86b0d115edb"
    "c63216967bdc082e96be51b30c0ac6b3458232d1f19a268cf8993915701fef80223ba112a70b6272822c6a5b"
    "9dcdf43d0204d230e999f811bf4dc63b04bdcadffb58d406977258ae7696c963245165f5f283f7738f875001"
    "2b";

static const char genuine_v2_user[] =
    "50d6bc090abe6971330f0000016b0585aed561f0329e2ca11d2402d2c6d7235ea2c049f4c90fa4aa0e7b0672"
    "8172d2eb63cf966526c2ed5533bad50969cc335354e3834d5fe40780cfb1ab7356d186a4c1800f720b8c0661"
    "80d42ec97f2cf8dffdffabf9759d4fae29eb1d919d1c3e4eef85179f18798b4a642f561ea9db9352d76cbacb"
    "4895fb7d7d872f16cc80b32f8e521081e6ee0ffa7034509a7e828a04fdb7c4e0df71d684d8da780abe9f0b7c"
    "eea9460f0aa5873ffe855295780ee73af6e3dc0dae88afc668e0f3e2ec129e838d926fc075b382c591d85a65"
    "44d45d82d7dd5acfbd8d7a4d520cc56e4622d0302a9f064a24cb6efb160439de0bddce33b04ab8d0c0e82eca"
    "6807983832307c5bb27de0a96589b4dc5f25197c53638e11a92d26c82c8ac17baa8e761ce48d249f6654c2ad"
    "5f6c423bbc86242259715b67ddc88bf410706ac0eda2cd8d139555d1dcfab453611279ec0eaf640e0128";
