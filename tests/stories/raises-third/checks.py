def whole_numbers(path):
    with open(path) as lines:
        return [int(line) for line in lines]
