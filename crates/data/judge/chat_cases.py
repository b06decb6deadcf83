"""Thirteen conversations; every message's words occur in no other one, so that a text says whose it is."""


def chat(*turns):
    roles = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}
    return [{"role": roles[turn[0]], "content": turn[1:]} for turn in turns]


CHATS = {
    "one": chat("uWhere is Quito?", "aIn Ecuador."),
    "system": chat("sSpeak tersely.", "uName a bird", "aHeron"),
    "two": chat("uFirst thing?", "aSure, alpha.", "uSecond thing?", "aOf course, beta!"),
    "system_two": chat("sBe a pirate", "uAhoy there", "aAye matey", "uWhat ship?", "aThe Pearl, black"),
    "think": chat("uAdd six and seven", "a<think>\nsix plus seven\n</think>\n\nThirteen"),
    "think_two": chat("uDouble nine", "a<think>\nnine twice\n</think>\n\nEighteen", "uHalve it", "a<think>\nhalf of it\n</think>\n\nNine again"),
    "unicode": chat("uSag 日本語 🙂", "aこんにちは — éà 🎉", "uNoch mal", "aça va 🙃"),
    "spaces": chat("u  padded question ", "a padded reply \n", "u\nquestion on lines\n", "a\n\nreply on lines\n\n"),
    "signs": chat("uWhat of <b>1 & 2</b>?", "aif (x < 3) { y = \"z\"; }\n\n```py\nprint('{{ q }} {% w %}')\n```", "uAnd [INST]?", "a\\frac{1}{2} # not <i>"),
    "two_users": chat("uOne question", "uOne more question", "aBoth answered"),
    "tool": chat("uWeather in Oslo?", "aLet me look.", "t{\"temp\": 4}", "aIt is four degrees."),
    "empty": chat("uSay nothing", "a", "uNow speak", "aSpoken"),
    "long": chat("sKeep count", *(part for n in range(6) for part in (f"uquestion number {n} of six", f"aanswer number {n} of six"))),
}  # fmt: skip
