"""What the short form of the attacks leaves out: nothing but combinations."""

from tests.hostile.choice import Choice


def test_enough_turns_take_every_value_and_everything_is_everything() -> None:
    values = list(range(11))
    for count in (1, 2, 3, 11, 12):
        turns = range(-(-len(values) // count))
        taken = [Choice().of(values, turn, count) for turn in turns]
        assert all(len(each) == min(count, len(values)) for each in taken)
        assert {value for each in taken for value in each} == set(values)
        assert Choice(everything=True).of(values, 3, count) == values
