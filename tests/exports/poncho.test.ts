import { expect, test } from 'vitest';
import { commit, everything, remarked, written } from './some.ts';

test('a specification for poncho is what conda makes, with what pip makes below it', () => {
	expect(JSON.parse(written('poncho', everything).text)).toEqual({
		conda: {
			channels: ['https://conda.example.org/tiny'],
			dependencies: [
				'libtiny=2.1=h1_0',
				'pip',
				'python=3.12.4',
				{
					pip: [
						'archived @ https://example.org/archived-2.1-py3-none-any.whl',
						`gitted @ git+https://example.org/gitted.git@${commit}#subdirectory=python`,
						'in-place==1.0',
						'Seven.Of_Nine==7.9',
					],
				},
			],
		},
	});
});

test('what poncho does not install, or installs from elsewhere, is remarked', () => {
	expect(remarked(written('poncho', everything))).toEqual({ left: ['bash', 'helper'], otherwise: ['in-place'] });
});
